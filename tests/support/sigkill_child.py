"""Runs a worker, a scheduler or a command in a forked process that is killed at a chosen step.

`python -m tests.support.sigkill_child` imports everything once, reads one task per line of JSON, forks a child for it
(docs/adr/0006) and writes how the child ended. SIGKILL hits the child only, at a step: a crash point of the engine,
a statement executed by SQLAlchemy (`INSERT INTO mails`), or a session's commit (`commit.before` and `commit.after`).
"""

import gc
import io
import json
import os
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, field
from datetime import datetime
from importlib import import_module
from subprocess import PIPE, Popen
from typing import Any

from psycopg import Connection, Cursor
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session, configure_mappers

from kontor.adapters.fakes import ManualClock
from kontor.adapters.fault_injection import KillAt
from kontor.cli import main as cli_main
from scheduler import SchedulerLoop
from tests.support.api_fixtures import build_deps
from tests.support.worker import running_worker
from workers.migrations import ROOT

WRITES = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM) \w+")
ANY = "step"
WORKER, SCHEDULER = ("worker",), ("scheduler",)


@dataclass(frozen=True, slots=True)
class ChildTask:
    """WORKER: run every due job; SCHEDULER: fire once; otherwise a command line of `kontor`, with its environment.

    `now` is an aware instant in ISO 8601. `die` is `NAME:N`, the Nth pass of a step; `step:N` is the Nth step of all.
    `sizes` overrides chunk sizes by the dotted name of the constant.
    """

    database_url: str
    now: str
    command: Sequence[str] = WORKER
    die: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChildExit:
    """How a child ended; exit code, steps and output are set only if it was not killed."""

    killed: bool
    code: int = 0
    steps: Sequence[str] = ()
    printed: str = ""


class CrashSteps:
    """Implements kontor.kernel.ports.CrashPoint; statements of this process are steps too."""

    def __init__(self, die: str) -> None:
        self.passed: list[str] = []
        self._kill = KillAt(die)
        event.listen(Engine, "after_cursor_execute", self._executed)
        event.listen(Engine, "commit", lambda _: self("commit.before"))
        event.listen(Session, "after_commit", lambda _: self("commit.after"))
        self._listen_on_the_driver()

    def __call__(self, name: str) -> None:
        """Record a step, or die there."""
        self.passed.append(name)
        self._kill(name)
        self._kill(ANY)

    def _listen_on_the_driver(self) -> None:
        """Record statements about mails as steps too: they bypass SQLAlchemy. This process is a child of its own."""
        execute = Connection.execute

        def recorded(connection: Connection[Any], query: Any, *options: Any, **more: Any) -> Cursor[Any]:
            cursor = execute(connection, query, *options, **more)
            match = WRITES.search(query) if isinstance(query, str) else None
            if match is not None and match[0].endswith(" mails"):
                self(match[0])
            return cursor

        Connection.execute = recorded  # type: ignore[method-assign, assignment]  # for the life of this child

    def _executed(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        match = WRITES.search(statement)
        self(match[0] if match else "SELECT")


class Forker:
    """The parent's side: a warm process that forks children. Must be closed."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.support.sigkill_child"]
        self._process = Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True, start_new_session=True)

    def send(self, task: ChildTask) -> ChildExit:
        """Run a task in a child; returns when the child has exited or was killed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(task)) + "\n")
        self._process.stdin.flush()
        return ChildExit(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """Kill the process group, including a running child."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


def perform(task: ChildTask, steps: CrashSteps) -> int:
    """Run a task in this process; returns the exit code."""
    for path, size in task.sizes.items():
        module, _, name = path.rpartition(".")
        setattr(import_module(module), name, size)
    clock = ManualClock(datetime.fromisoformat(task.now))
    engine = create_engine(task.database_url)
    with ThreadPoolExecutor(1) as threads:
        deps = build_deps(engine, clock, threads)
        match tuple(task.command):
            case ("worker",):
                with running_worker(deps, crash=steps) as worker:
                    worker.inline.drain()
            case ("scheduler",):
                SchedulerLoop(engine, deps.jobs).run_once()
            case command:
                os.environ.update(task.environ)
                sys.argv = ["kontor", *command]
                return exit_code()
    return 0


def exit_code() -> int:
    """Run the command line; typer exits by raising."""
    try:
        return cli_main.main()
    except SystemExit as error:
        return int(error.code or 0)


def run_child(task: ChildTask, result_fd: int) -> None:
    """Run in the fork; the result is written to the pipe `result_fd`."""
    steps = CrashSteps(task.die)
    with redirect_stdout(io.StringIO()) as printed:
        code = perform(task, steps)
    with os.fdopen(result_fd, "w") as pipe:
        json.dump({"code": code, "steps": steps.passed, "printed": printed.getvalue()}, pipe)


def main() -> None:
    """Fork a child for each line. A failing child prints its traceback."""
    configure_mappers()
    create_engine("postgresql+psycopg://").dispose()
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        read_fd, write_fd = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(read_fd)
            run_child(ChildTask(**json.loads(line)), write_fd)
            os._exit(0)
        os.close(write_fd)
        with os.fdopen(read_fd) as pipe:
            output = pipe.read()
        exit_code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        document = json.loads(output) if output else {"code": exit_code}
        sys.stdout.write(json.dumps({**document, "killed": exit_code == -signal.SIGKILL}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
