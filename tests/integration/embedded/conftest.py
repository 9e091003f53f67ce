"""A launcher in a separate process that can be killed."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from kontor.adapters.embedded.process import processes_in
from workers.migrations import ROOT

LAUNCH = """
import signal, sys
from pathlib import Path
from kontor.adapters.embedded.servers import embedded_servers
with embedded_servers(Path(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.read()
"""


class Launcher:
    """A process that owns the servers of a data directory until its stdin closes."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, str(data_dir)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def kill(self) -> None:
        """Send SIGKILL."""
        self.process.kill()
        self.process.communicate()

    def leave(self) -> int:
        """Close its stdin and wait for its exit."""
        self.process.communicate(b"")
        return self.process.returncode


@pytest.fixture
def launch() -> Iterator[Callable[[Path], Launcher]]:
    """Start launchers; those still running at the end are stopped."""
    with ExitStack() as stack:

        def start(data_dir: Path) -> Launcher:
            launcher = Launcher(data_dir)
            stack.callback(lambda: launcher.process.poll() is None and launcher.leave())
            return launcher

        yield start


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    """Run one statement on a separate connection and commit."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def servers_in(data_dir: Path) -> list[int]:
    """The server processes whose working directory is in a data directory."""
    return [
        *processes_in(data_dir / "postgres", "postgres"),
        *processes_in(data_dir / "valkey", "valkey-server"),
    ]
