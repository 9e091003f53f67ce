"""A throw-away deployment of its own: started, watched, moved through days, removed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar

import httpx

from kontor.kernel.errors import KontorError
from workers.supervisor import kontor_command
from workers.up import free_port

OVERRIDDEN = frozenset({"DATABASE_URL", "REDIS_URL", "SMTP_URL", "PUBLIC_URL", "SECRET_KEY"})
TO_START, TO_STOP = 90.0, 40.0


@dataclass(frozen=True, slots=True)
class Deployment:
    """`kontor up` with a data folder, a port and the test clock."""

    data: Path
    url: str
    environ: Mapping[str, str]
    process: subprocess.Popen[bytes]

    def kontor(self, *arguments: str) -> Any:
        """Run a command beside it; its JSON document. Raises DemoFailed."""
        command = [sys.executable, str(kontor_command()), *arguments, "--json"]
        done = subprocess.run(command, env=self.environ, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise DemoFailed(f"kontor {' '.join(arguments)}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def kontor_all(self, commands: Sequence[Sequence[str]]) -> list[Any]:
        """Run commands side by side; their documents in order."""
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda one: self.kontor(*one), commands))

    def workers(self) -> list[int]:
        """Its worker processes, found by their title as an operator would."""
        return [pid for pid in titled("kontor worker") if self._is_mine(pid)]

    def _is_mine(self, pid: int) -> bool:
        try:
            environ = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False
        return f"KONTOR_DATA_DIR={self.data}".encode() in environ.split(b"\0")

    def stop(self) -> None:
        """Stop everything; by force when it does not listen."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(TO_STOP)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def titled(title: str) -> Iterator[int]:
    """Every process whose command line begins with a title."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            line = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if line.startswith(title.encode()):
            yield int(folder.name)


class DemoFailed(KontorError):
    """A story did not end as it has to."""

    def __init__(self, message: str) -> None:
        super().__init__("demo_failed", message)


@contextmanager
def deployed() -> Iterator[Deployment]:
    """A running deployment, stopped and removed at the end."""
    with TemporaryDirectory(prefix="kontor-demo-") as folder:
        port = free_port()
        environ = {name: text for name, text in os.environ.items() if name not in OVERRIDDEN}
        environ |= {
            "KONTOR_DATA_DIR": folder,
            "PORT": str(port),
            "KONTOR_ALLOW_PRIVATE_INSTANCES": "1",
            "KONTOR_TEST_CLOCK": START.isoformat(),
        }
        log = Path(folder) / "up.log"
        with log.open("wb") as output:
            command = [sys.executable, str(kontor_command()), "up"]
            process = subprocess.Popen(command, env=environ, stdout=output, stderr=output)
        made = Deployment(Path(folder), f"http://127.0.0.1:{port}", environ, process)
        try:
            wait_for("the web process", lambda: _ready(made, log), TO_START)
            yield made
        finally:
            made.stop()


def _ready(made: Deployment, log: Path) -> bool:
    if made.process.poll() is not None:
        raise DemoFailed(f"kontor up ended: {log.read_text()[-2000:]}")
    try:
        return httpx.get(f"{made.url}/readyz", timeout=5, trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


START: Final = datetime(2026, 1, 20, 8, 0, tzinfo=UTC)
"""A Tuesday morning in Paris and Berlin, 11:00 in Moscow, 03:00 in New York."""

NEXT_DAY: Final = START + timedelta(days=1)
THREE_DAYS_LEFT: Final = START + timedelta(days=4)
ONE_DAY_LEFT: Final = START + timedelta(days=6)
TRIALS_END: Final = START + timedelta(days=7)
LAST_OF_JANUARY: Final = datetime(2026, 1, 31, 17, 0, tzinfo=UTC)
FIFTH_OF_FEBRUARY: Final = datetime(2026, 2, 5, 9, 0, tzinfo=UTC)
THIRTY_DAYS_ON: Final = START + timedelta(days=30, hours=3)
LAST_OF_FEBRUARY: Final = datetime(2026, 2, 28, 18, 0, tzinfo=UTC)
FIRST_OF_APRIL: Final = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)


def minutes_in(number: int) -> datetime:
    """So many minutes after the start."""
    return START + timedelta(minutes=number)


HOUR_LATER: Final = minutes_in(60)

CALENDAR: Final = (
    HOUR_LATER,
    NEXT_DAY,
    THREE_DAYS_LEFT,
    ONE_DAY_LEFT,
    TRIALS_END,
    LAST_OF_JANUARY,
    FIFTH_OF_FEBRUARY,
    THIRTY_DAYS_ON,
    LAST_OF_FEBRUARY,
    FIRST_OF_APRIL,
)
"""What the progress bar counts besides the stories."""

PATIENCE = 60.0
LOOK_SECONDS = 0.02

T = TypeVar("T")


def must_be(what: str, found: object, promised: object) -> None:
    """Compare. Raises DemoFailed."""
    if found != promised:
        raise DemoFailed(f"{what}: found {found!r}, promised {promised!r}")


def must(what: str, holds: object) -> None:
    """Raises DemoFailed unless it holds."""
    if not holds:
        raise DemoFailed(f"it does not hold that {what}")


def wait_for(what: str, look: Callable[[], T | None], patience: float = PATIENCE) -> T:
    """Look until there is something. Raises DemoFailed when it takes too long."""
    deadline = time.monotonic() + patience
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise DemoFailed(f"waited {patience:g} s in vain for {what}")
        time.sleep(LOOK_SECONDS)
