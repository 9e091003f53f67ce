"""Does what a worker, a scheduler or a command does, in a process of its own that is killed on the way.

`python -m tests.killed_child` imports everything once and forks a child for each errand it reads (docs/adr/0012), a
line of JSON each, and answers how the child ended. The SIGKILL hits the child alone, at a step: a crash point of the
engine, a statement that SQLAlchemy executed (`INSERT INTO mails`), or a session's commit (`commit.before` and `.after`,
as the runner's).
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

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session, configure_mappers

import cli
from adapters.clock_fakes import ManualClock
from adapters.crash import KillAt
from scheduler import Timekeeper
from store.schema import ROOT
from tests.api_fixtures import deps_of
from tests.console_engine import works

WRITES = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM) \w+")
ANY = "step"
WORKER, SCHEDULER = ("worker",), ("scheduler",)


@dataclass(frozen=True, slots=True)
class Errand:
    """WORKER: do every job that is due; SCHEDULER: fire once; else a command line of `kontor`, with its environment.

    `now` is an aware instant in ISO 8601. `die` is `NAME:N`, the Nth passing of a step; `step:N` is the Nth of all.
    `sizes` are chunks, by the dotted names of the constants.
    """

    database_url: str
    now: str
    command: Sequence[str] = WORKER
    die: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended; one that was not killed tells its exit code, the steps it passed, and what it printed."""

    killed: bool
    code: int = 0
    steps: Sequence[str] = ()
    printed: str = ""


class Steps:
    """Obeys domain.ports.CrashPoint; the statements of this process are steps as well."""

    def __init__(self, die: str) -> None:
        self.passed: list[str] = []
        self._kill = KillAt(die)
        event.listen(Engine, "after_cursor_execute", self._executed)
        event.listen(Engine, "commit", lambda _: self("commit.before"))
        event.listen(Session, "after_commit", lambda _: self("commit.after"))

    def __call__(self, name: str) -> None:
        """Pass a step, or die there."""
        self.passed.append(name)
        self._kill(name)
        self._kill(ANY)

    def _executed(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found = WRITES.search(statement)
        self(found[0] if found else "SELECT")


class Forker:
    """The parent's side: a warm process that forks children. Close it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.killed_child"]
        self._process = Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True, start_new_session=True)

    def send(self, errand: Errand) -> Ended:
        """Have an errand done by a child; returns when the child is dead, of SIGKILL or by itself."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(errand)) + "\n")
        self._process.stdin.flush()
        return Ended(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """End it, and a child that should still live."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


def do(errand: Errand, steps: Steps) -> int:
    """Do it in this very process; returns the exit code."""
    for place, size in errand.sizes.items():
        module, _, name = place.rpartition(".")
        setattr(import_module(module), name, size)
    clock = ManualClock(datetime.fromisoformat(errand.now))
    engine = create_engine(errand.database_url)
    with ThreadPoolExecutor(1) as threads:
        deps = deps_of(engine, clock, threads)
        match tuple(errand.command):
            case ("worker",):
                with works(deps, crash=steps) as found:
                    found.inline.drain()
            case ("scheduler",):
                Timekeeper(engine, deps.jobs).look()
            case command:
                os.environ.update(errand.environ)
                sys.argv = ["kontor", *command]
                return exit_code()
    return 0


def exit_code() -> int:
    """Run the command line; typer leaves by an exception."""
    try:
        return cli.main()
    except SystemExit as left:
        return int(left.code or 0)


def child(errand: Errand, told: int) -> None:
    """What the fork does; `told` is the pipe to write the end into."""
    steps = Steps(errand.die)
    with redirect_stdout(io.StringIO()) as printed:
        code = do(errand, steps)
    with os.fdopen(told, "w") as pipe:
        json.dump({"code": code, "steps": steps.passed, "printed": printed.getvalue()}, pipe)


def main() -> None:
    """Fork for each line. A child that fails ends as any program does, with its traceback."""
    configure_mappers()
    create_engine("postgresql+psycopg://").dispose()
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        hears, told = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(hears)
            child(Errand(**json.loads(line)), told)
            os._exit(0)
        os.close(told)
        with os.fdopen(hears) as pipe:
            found = pipe.read()
        ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        document = json.loads(found) if found else {"code": ended}
        sys.stdout.write(json.dumps({**document, "killed": ended == -signal.SIGKILL}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
