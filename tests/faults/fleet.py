"""A disposable deployment of real processes: embedded servers, relay, workers, enqueuers."""

import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

import psycopg

from kontor.adapters.settings import Settings
from kontor.kernel.database import PgConnection
from tests.faults import process
from tests.faults.crash_trap import Trap
from tests.faults.tasks import TABLE, Sink
from tests.support.polling import TIMEOUT_SECONDS, wait_for
from workers.migrations import ROOT

NOTHING: Mapping[str, str] = MappingProxyType({})
COUNTS = "SELECT state, count(*) FROM jobs GROUP BY state"
TABLES = "jobs, jobs_archive, job_attempts, once_keys, lanes, queues, effects"


@lru_cache(maxsize=1)
def forks() -> ForkServerContext:
    """The context of processes that are forked from one that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([process.__name__])
    return context


class Member:
    """One process of the fleet, in its own session; dies with the process that started it."""

    def __init__(
        self,
        role: str,
        environ: Mapping[str, str],
        log: Path,
        prefix: Sequence[str] = (),
        requests: Connection | None = None,
    ) -> None:
        self.role = role
        arguments = (role, dict(environ), log, prefix, requests)
        self.process = forks().Process(target=process.become, args=arguments, daemon=True)
        self.process.start()
        assert self.process.pid is not None
        self.pid: int = self.process.pid

    @property
    def dead(self) -> bool:
        return not self.process.is_alive()

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless the process is dead."""
        if not self.dead:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL, and reap the process."""
        self.process.kill()
        self.process.join()
        self.close_pipe()

    def close_pipe(self) -> None:
        """Close the pipe to the process, if it has one."""

    def stop(self) -> None:
        """Send SIGTERM, and SIGKILL if that does not end it."""
        self.process.terminate()
        self.process.join(40)
        self.kill()


class Enqueuer(Member):
    """Commits requested jobs and reports the committed ids."""

    def __init__(self, environ: Mapping[str, str], log: Path) -> None:
        self._pipe, theirs = forks().Pipe()
        with theirs:
            super().__init__("enqueuer", environ, log, requests=theirs)

    def close_pipe(self) -> None:
        """Close the pipe to the process."""
        self._pipe.close()

    def put(self, requests: Sequence[tuple[Any, ...]]) -> list[UUID] | None:
        """Commit (task, args) or (task, args, options) in one transaction; returns None if the process died first."""
        try:
            self._pipe.send(requests)
            ids: list[UUID] = self._pipe.recv()
        except (BrokenPipeError, ConnectionResetError, EOFError):
            return None
        return ids


class Fleet:
    """The processes on one database and one Redis namespace, and queries on their effects."""

    def __init__(self, settings: Settings, folder: Path, environ: Mapping[str, str]) -> None:
        self.settings = settings
        self.folder = folder
        self.sink = Sink(folder / "sink")
        self.trap = Trap(folder / "trap")
        self.members: list[Member] = []
        self._connection: PgConnection | None = None
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
        member.close_pipe()
        return self.start(member.role)

    def stop(self) -> None:
        """Stop every process, and close the connection."""
        for member in self.members:
            member.process.terminate()
        for member in self.members:
            member.stop()
        self.members.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def ask(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Ask PostgreSQL over one connection, or over a new one if it was lost."""
        if self._connection is not None:
            try:
                return self._connection.execute(statement, values).fetchall()
            except psycopg.OperationalError:
                if not self._connection.closed:
                    raise
        self._connection = self.connect()
        return self._connection.execute(statement, values).fetchall()

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
