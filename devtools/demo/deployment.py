"""The demo's temporary deployment, its calendar and its checks."""

import json
import os
import signal
import ssl
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

OVERRIDDEN = frozenset({"DATABASE_URL", "KONTOR_ENV_FILE", "REDIS_URL", "SMTP_URL", "PUBLIC_URL", "SECRET_KEY"})
START_SECONDS, STOP_SECONDS = 90.0, 40.0
NO_CERTIFICATES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Of clients on this machine, without TLS: to load the certificates of the world takes each client 50 ms."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A running `kontor up` with its own data folder, port and test clock."""

    data: Path
    url: str
    environ: Mapping[str, str]
    process: subprocess.Popen[bytes]

    def kontor(self, *arguments: str) -> Any:
        """Run a command of the deployment; return its JSON output. Raises DemoFailed."""
        command = [sys.executable, str(kontor_command()), *arguments, "--json"]
        done = subprocess.run(command, env=self.environ, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise DemoFailed(f"kontor {' '.join(arguments)}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def kontor_all(self, commands: Sequence[Sequence[str]]) -> list[Any]:
        """Run commands concurrently; return their JSON output in order."""
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda command: self.kontor(*command), commands))

    def workers(self) -> list[int]:
        """Return the pids of its worker processes, found by process title."""
        return [pid for pid in processes_titled("kontor worker") if self._is_mine(pid)]

    def _is_mine(self, pid: int) -> bool:
        try:
            environ = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False
        return f"KONTOR_DATA_DIR={self.data}".encode() in environ.split(b"\0")

    def stop(self) -> None:
        """Stop all processes; kill them if SIGTERM does not end them in time."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def processes_titled(title: str) -> Iterator[int]:
    """Yield the pids of the processes whose command line starts with a title."""
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
    """A check of a story failed."""

    def __init__(self, message: str) -> None:
        super().__init__("demo_failed", message)


@contextmanager
def running_deployment() -> Iterator[Deployment]:
    """Start a deployment; stop it and remove its data at the end of the block."""
    with TemporaryDirectory(prefix="kontor-demo-") as folder:
        port, data = free_port(), Path(folder) / "data"
        environ = {name: text for name, text in os.environ.items() if name not in OVERRIDDEN}
        environ |= {
            "KONTOR_DATA_DIR": str(data),
            "PORT": str(port),
            "KONTOR_ALLOW_PRIVATE_INSTANCES": "1",
            "KONTOR_HANDLER_NETWORKS": "127.0.0.0/8",
            "KONTOR_TEST_CLOCK": START.isoformat(),
        }
        log = Path(folder) / "up.log"
        with log.open("wb") as output:
            command = [sys.executable, str(kontor_command()), "up"]
            process = subprocess.Popen(command, env=environ, stdout=output, stderr=output)
        deployment = Deployment(data, f"http://127.0.0.1:{port}", environ, process)
        try:
            wait_for("the web process", lambda: _is_ready(deployment, log), START_SECONDS)
            yield deployment
        finally:
            deployment.stop()


def _is_ready(deployment: Deployment, log: Path) -> bool:
    if deployment.process.poll() is not None:
        raise DemoFailed(f"kontor up ended: {log.read_text()[-2000:]}")
    try:
        return (
            httpx.get(f"{deployment.url}/readyz", timeout=5, trust_env=False, verify=NO_CERTIFICATES).status_code
            == httpx.codes.OK
        )
    except httpx.TransportError:
        return False


START: Final = datetime(2026, 1, 20, 8, 0, tzinfo=UTC)
"""A Tuesday: 09:00 in Paris and Berlin, 11:00 in Moscow, 03:00 in New York."""

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
    """Return the instant `number` minutes after the start."""
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
"""The steps of the progress bar in addition to the stories."""

WAIT_SECONDS = 60.0
POLL_SECONDS, LONGEST_POLL_SECONDS = 0.02, 0.1

T = TypeVar("T")


def check_equal(what: str, actual: object, expected: object) -> None:
    """Raise DemoFailed unless the values are equal."""
    if actual != expected:
        raise DemoFailed(f"{what}: expected {expected!r}, got {actual!r}")


def check(what: str, condition: object) -> None:
    """Raise DemoFailed unless the condition is true."""
    if not condition:
        raise DemoFailed(f"check failed: {what}")


def wait_for(what: str, poll: Callable[[], T | None], seconds: float = WAIT_SECONDS) -> T:
    """Poll until the result is true, less often the longer it takes; return it. Raises DemoFailed after `seconds`."""
    deadline, pause = time.monotonic() + seconds, POLL_SECONDS
    while True:
        result = poll()
        if result:
            return result
        if time.monotonic() > deadline:
            raise DemoFailed(f"waited {seconds:g} s for {what}")
        time.sleep(pause)
        pause = min(1.1 * pause, LONGEST_POLL_SECONDS)
