"""A disposable deployment of real processes: embedded servers, relay, workers, enqueuers."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

import psycopg

from kontor.adapters.embedded import launch
from kontor.adapters.settings import Settings
from kontor.kernel.database import PgConnection
from tests.faults.crash_trap import Trap
from tests.faults.tasks import TABLE, Sink
from tests.support.polling import TIMEOUT_SECONDS, wait_for
from workers.migrations import ROOT

NOTHING: Mapping[str, str] = MappingProxyType({})
COUNTS = "SELECT state, count(*) FROM jobs GROUP BY state"
TABLES = "jobs, jobs_archive, job_attempts, once_keys, lanes, queues, effects"


class Member:
    """One process of the fleet, in its own session; dies with the thread that started it."""

    def __init__(self, role: str, environ: dict[str, str], log: Path, prefix: Sequence[str] = (), **pipes: Any) -> None:
        self.role = role
        wrapper = [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), "direct", str(int(signal.SIGKILL))]
        command = [str(ROOT), sys.executable, "-m", "tests.faults.process", role]
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [*prefix, *wrapper, *command],
                cwd=ROOT,
                env=environ,
                stderr=output,
                start_new_session=True,
                **{"stdout": output, "stdin": subprocess.DEVNULL, **pipes},
            )

    @property
    def dead(self) -> bool:
        return self.process.poll() is not None

    def kill(self) -> None:
        """Send SIGKILL, and reap the process."""
        self.process.kill()
        self.process.wait()
        self.close_pipes()

    def close_pipes(self) -> None:
        """Close the pipes to the process."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def stop(self) -> None:
        """Send SIGTERM, and SIGKILL if that does not end it."""
        self.process.terminate()
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.close_pipes()


class Enqueuer(Member):
    """Commits requested jobs and reports the committed ids."""

    def __init__(self, environ: dict[str, str], log: Path) -> None:
        super().__init__("enqueuer", environ, log, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def put(self, requests: Sequence[tuple[Any, ...]]) -> list[UUID] | None:
        """Commit (task, args) or (task, args, options) in one transaction; returns None if the process died first."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(requests).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return None
        answer = self.process.stdout.readline()
        return [UUID(job_id) for job_id in json.loads(answer)] if answer else None


class Fleet:
    """The processes on one database and one Redis namespace, and queries on their effects."""

    def __init__(self, settings: Settings, folder: Path, environ: Mapping[str, str]) -> None:
        self.settings = settings
        self.folder = folder
        self.sink = Sink(folder / "sink")
        self.trap = Trap(folder / "trap")
        self.members: list[Member] = []
        self.environ = {**settings.environ(), "FAULT_FOLDER": str(folder), "PYTHONPATH": str(ROOT), **environ}
        with self.connect() as connection:
            connection.execute(TABLE)

    def connect(self) -> "PgConnection":
        url = self.settings.database_url.replace("postgresql+psycopg://", "postgresql://", 1)
        return psycopg.connect(url, autocommit=True)

    def start(self, role: str, prefix: Sequence[str] = (), **environ: str) -> Member:
        """Start one more process without waiting for it; `prefix` is a command that runs it, `environ` is its own."""
        log, variables = self.folder / f"{role}.log", {**self.environ, **environ}
        member = Enqueuer(variables, log) if role == "enqueuer" else Member(role, variables, log, prefix)
        self.members.append(member)
        return member

    def enqueuer(self) -> Enqueuer:
        member = self.start("enqueuer")
        assert isinstance(member, Enqueuer)
        return member

    def put(self, requests: Sequence[tuple[Any, ...]]) -> list[UUID]:
        """Commit requested jobs by the fleet's enqueuer."""
        enqueuer = next(member for member in self.members if isinstance(member, Enqueuer))
        ids = enqueuer.put(requests)
        assert ids is not None
        return ids

    def replace(self, member: Member) -> Member:
        """Start a process in place of a dead one."""
        self.members.remove(member)
        member.close_pipes()
        return self.start(member.role)

    def stop(self) -> None:
        """Stop every process."""
        for member in self.members:
            member.process.terminate()
        for member in self.members:
            member.stop()
        self.members.clear()

    def ask(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self.connect() as connection:
            return connection.execute(statement, values).fetchall()

    def workers(self, count: int) -> None:
        """Wait until that many workers are registered."""
        fresh = "SELECT count(*) FROM worker_processes WHERE heartbeat_at > clock_timestamp() - interval '2 seconds'"
        wait_for(lambda: self.ask(fresh)[0][0] >= count, f"{count} workers")

    def open_jobs(self) -> int:
        """The number of jobs neither finished nor dead."""
        return sum(count for state, count in self.ask(COUNTS) if state != "dead")

    def settled(self, seconds: float = TIMEOUT_SECONDS) -> None:
        """Wait until every job is finished or dead."""
        wait_for(lambda: self.open_jobs() == 0, "all jobs finished", seconds)

    def wipe(self) -> None:
        """Delete every job and effect."""
        with self.connect() as connection:
            connection.execute(f"TRUNCATE {TABLES}")
        self.sink.path.write_text("")


@contextmanager
def fleet(settings: Settings, folder: Path, *roles: str, environ: Mapping[str, str] = NOTHING) -> Iterator[Fleet]:
    """Start a fleet with these processes; all are stopped on exit."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        made = Fleet(settings, folder, environ)
        stack.callback(made.stop)
        for role in roles:
            made.start(role)
        yield made
