"""A server process: how it is started, told apart from a dead one, and stopped."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from adapters.embedded import launch

POLL = 0.01


class StartFailed(Exception):
    """A server did not come up."""


def spawn(
    command: Sequence[str], *, mode: str, death_signal: int, within: Path, log: Path, feed: bytes = b""
) -> subprocess.Popen[bytes]:
    """Start a program by way of launch.py, in a session of its own, its output appended to `log`.

    The child gets `death_signal` when the calling thread ends, so call this from one that lives as long
    as the server shall.
    """
    wrapper = [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), mode, str(int(death_signal))]
    with log.open("ab") as output, tempfile.TemporaryFile() as source:
        source.write(feed)
        source.seek(0)
        return subprocess.Popen(
            [*wrapper, str(within), *command],
            stdin=source,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=within,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
        )


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], timeout: float, log: Path) -> None:
    """Wait for `ready`, at most `timeout` seconds and not beyond the process's death."""
    deadline = time.monotonic() + timeout
    while not ready():
        if process.poll() is not None:
            raise StartFailed(f"a server ended with status {process.returncode}: {last_line(log)}")
        if time.monotonic() > deadline:
            raise StartFailed(f"a server was not ready after {timeout:.0f} s; see {log}")
        time.sleep(POLL)


def last_line(log: Path) -> str:
    """The last line a server wrote, for a one-line error."""
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1] if lines else "it wrote nothing"


def stop(process: subprocess.Popen[bytes], steps: Sequence[tuple[signal.Signals, float]]) -> None:
    """Send each signal in turn and wait its seconds, SIGKILL at last; reaps the process."""
    for number, patience in steps:
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        return
    process.kill()
    process.wait()


def is_alive(pid: int) -> bool:
    """Whether a process exists and is more than a zombie."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in {"Z", "X"}


def living_in(folder: Path, program: str) -> list[int]:
    """Processes of a program whose working directory is `folder`, zombies aside."""
    home, found = str(folder.resolve()), []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            here, runs = str((entry / "cwd").readlink()), (entry / "exe").readlink().name
        except OSError:
            continue
        if here == home and runs.removesuffix(" (deleted)") == program and is_alive(int(entry.name)):
            found.append(int(entry.name))
    return found


def end_strays(folder: Path, program: str, timeout: float = 10.0) -> None:
    """End what an earlier launcher left running in `folder`; SIGQUIT first, then SIGKILL."""
    deadline, started = time.monotonic() + timeout, time.monotonic()
    while strays := living_in(folder, program):
        patient = time.monotonic() - started < 2.0
        for pid in strays:
            try:
                os.kill(pid, signal.SIGQUIT if patient else signal.SIGKILL)
            except ProcessLookupError:
                continue
        if time.monotonic() > deadline:
            raise StartFailed(f"process {strays[0]} still uses {folder}; end it and try again")
        time.sleep(0.05)
