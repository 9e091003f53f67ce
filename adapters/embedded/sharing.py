"""Servers shared by concurrent commands: a holder process runs them while any command uses them."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, Popen

from adapters.embedded import endpoints
from adapters.embedded.endpoints import Endpoints
from adapters.embedded.process import StartFailed, last_line

START_SECONDS = 60.0


def attach(data_dir: Path, timeout: float = START_SECONDS) -> Endpoints | None:
    """Return the URLs of a running owner's servers; wait while they start; None without an owner."""
    deadline = time.monotonic() + timeout
    while endpoints.is_owned(data_dir):
        if (running := endpoints.published(data_dir)) is not None:
            return running
        if time.monotonic() > deadline:
            raise StartFailed(f"the owner of {data_dir} did not start its servers within {timeout:.0f} s")
        time.sleep(endpoints.POLL)
    return None


@contextmanager
def shared_servers(data_dir: Path, *options: str) -> Iterator[Endpoints]:
    """Use the running servers of a data directory, or start them; they stop after their last user."""
    endpoints.prepare(data_dir)
    holder: Popen[bytes] | None = None
    try:
        with endpoints.shared_lock(data_dir):
            running = attach(data_dir)
            if running is None:
                holder = start_holder(data_dir, *options)
                running = wait_for_holder(data_dir, holder)
            yield running
    finally:
        if holder is not None:
            wait_for_exit(data_dir, holder)


def start_holder(data_dir: Path, *options: str) -> "Popen[bytes]":
    """Start a holder in a new session, so that it outlives this command while others use it."""
    root = Path(__file__).parents[2]
    with (data_dir / "log" / "holder.log").open("wb") as log:
        return Popen(
            [sys.executable, "-m", "adapters.embedded", str(data_dir), *options],
            stdin=DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(root)},
        )


def wait_for_holder(data_dir: Path, holder: "Popen[bytes]") -> Endpoints:
    """Wait until our holder, or a faster one, has published its servers. Raises StartFailed."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if (running := attach(data_dir)) is not None:
            return running
        if holder.poll() is not None and not endpoints.is_owned(data_dir):
            raise StartFailed(last_line(data_dir / "log" / "holder.log"))
        time.sleep(endpoints.POLL)
    raise StartFailed(f"no servers in {data_dir} after {START_SECONDS:.0f} s; see {data_dir / 'log'}")


def wait_for_exit(data_dir: Path, holder: "Popen[bytes]") -> None:
    """Wait until our holder ends, unless other commands still use it."""
    while holder.poll() is None:
        with endpoints.exclusive_if_unused(data_dir) as unused:
            pass
        if not unused and endpoints.published(data_dir) is not None:
            holder.returncode = 0  # it ends with its last user, another command
            return
        time.sleep(endpoints.POLL)
