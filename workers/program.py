"""A `kontor` process as a child: its own session, dies with its parent, role in its command line."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from adapters.embedded import launch
from adapters.embedded.process import stop

PATIENCE_SECONDS = 30.0


def kontor_command() -> Path:
    """The installed command, beside the interpreter."""
    return Path(sys.executable).with_name("kontor")


class Program:
    """`kontor ROLE …` with an environment of its own."""

    def __init__(self, name: str, arguments: Sequence[str], environ: Mapping[str, str]) -> None:
        self.name = name
        self._command = [sys.executable, str(kontor_command()), *arguments]
        self._environ = dict(environ)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it is killed when the calling thread ends."""
        wrapper = [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), "direct", str(int(signal.SIGKILL))]
        self.process = subprocess.Popen(
            [*wrapper, str(Path.cwd()), *self._command],
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),
            env=self._environ,
            start_new_session=True,
        )

    def is_running(self) -> bool:
        """Whether it lives; reaps it when it does not."""
        return self.process is not None and self.process.poll() is None

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        if self.is_running() and self.process is not None:
            self.process.terminate()

    def stop(self) -> None:
        """Wait for its end, SIGKILL at last."""
        if self.process is not None:
            stop(self.process, [(signal.SIGTERM, PATIENCE_SECONDS)])
