"""The embedded Valkey; it holds only doorbells, so nothing is persisted."""

import shutil
import signal
import socket
import subprocess
from pathlib import Path
from urllib.parse import quote

from kontor.adapters.embedded.process import LogSection, kill_strays, spawn, stop, valkey_binary, wait_until


class Valkey:
    """One Valkey server with the working directory `folder`, reached through a socket in `sockets`."""

    name = "valkey"

    def __init__(self, folder: Path, sockets: Path, log: Path) -> None:
        self.folder = folder
        self.socket = sockets / "valkey.sock"
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self._section = LogSection(log)

    @property
    def url(self) -> str:
        """The URL of database 0 in redis-py's form."""
        return f"unix://{quote(str(self.socket), safe='/')}?db=0"

    def start(self) -> None:
        """Clean up after a crash and start; do not wait."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        kill_strays(self.folder, "valkey-server")
        self._remove_remains()
        self._section = LogSection.from_now(self.log)
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "save": "",
            "appendonly": "no",
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
        }
        flags = [part for name, value in options.items() for part in (f"--{name}", value)]
        self.process = spawn(
            [str(valkey_binary()), *flags],
            mode="direct",
            death_signal=signal.SIGKILL,
            cwd=self.folder,
            log=self.log,
        )

    def wait_ready(self, timeout: float = 20.0) -> None:
        """Wait until the server responds to commands."""
        assert self.process is not None, "start() comes first"
        wait_until(self._is_ready, self.process, timeout, self._section)

    def is_running(self) -> bool:
        """Whether the process is running; reaps it when it has ended."""
        return self.process is not None and self.process.poll() is None

    def failure(self) -> str:
        """Why the last run ended, from its log."""
        return self._section.failure()

    def ask_to_stop(self) -> None:
        """Do nothing: its users stop first."""

    def stop(self) -> None:
        """Stop the server; there is no data to save."""
        if self.process is not None:
            stop(self.process, [(signal.SIGTERM, 5.0)])

    def _remove_remains(self) -> None:
        """Remove the socket of an earlier run, and files that the server would load or refuse at its start."""
        self.socket.unlink(missing_ok=True)
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def _is_ready(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1.0)
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
            except OSError:
                return False
