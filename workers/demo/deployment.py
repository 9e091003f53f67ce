"""A deployment of its own in a temporary folder: started, found, stopped, removed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from workers.demo.days import START
from workers.demo.failure import DemoFailed, wait_for
from workers.program import kontor_command
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
