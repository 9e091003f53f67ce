"""Servers shared by commands that run side by side: a holder keeps them while anybody uses them."""

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
    """Where a running owner's servers are; waits while it starts; None when nobody owns them."""
    deadline = time.monotonic() + timeout
    while endpoints.is_owned(data_dir):
        if (found := endpoints.published(data_dir)) is not None:
            return found
        if time.monotonic() > deadline:
            raise StartFailed(f"the owner of {data_dir} did not start its servers within {timeout:.0f} s")
        time.sleep(endpoints.POLL)
    return None


@contextmanager
def shared_servers(data_dir: Path, *options: str) -> Iterator[Endpoints]:
    """Use the running servers of a data directory, or have them started; they stop after their last user."""
    endpoints.prepare(data_dir)
    holder: Popen[bytes] | None = None
    try:
        with endpoints.usage(data_dir):
            found = attach(data_dir)
            if found is None:
                holder = start_holder(data_dir, *options)
                found = wait_for_holder(data_dir, holder)
            yield found
    finally:
        if holder is not None:
            see_off(data_dir, holder)


def start_holder(data_dir: Path, *options: str) -> "Popen[bytes]":
    """Start a holder in a session of its own, so that it outlives this command when others need it."""
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
    """Wait until servers are published, by our holder or a faster one; raises StartFailed."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if (found := attach(data_dir)) is not None:
            return found
        if holder.poll() is not None and not endpoints.is_owned(data_dir):
            raise StartFailed(last_line(data_dir / "log" / "holder.log"))
        time.sleep(endpoints.POLL)
    raise StartFailed(f"no servers in {data_dir} after {START_SECONDS:.0f} s; see {data_dir / 'log'}")


def see_off(data_dir: Path, holder: "Popen[bytes]") -> None:
    """Wait for our holder's end, unless others still use it."""
    while holder.poll() is None:
        with endpoints.nobody_uses(data_dir) as alone:
            pass
        if not alone and endpoints.published(data_dir) is not None:
            holder.returncode = 0  # it ends with its last user, who is not our business
            return
        time.sleep(endpoints.POLL)
