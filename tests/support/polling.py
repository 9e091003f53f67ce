"""Waiting for other processes and servers; the only module of the tests that polls."""

import time
from collections.abc import Callable

TIMEOUT_SECONDS = 120.0
POLL_SECONDS = 0.01
LONGEST_POLL_SECONDS = 0.1


class WaitTimeout(Exception):
    """A condition did not hold in time."""


def wait_for(condition: Callable[[], bool], what: str = "it", seconds: float = TIMEOUT_SECONDS) -> None:
    """Wait until a condition holds; look less often the longer it takes. Raises WaitTimeout."""
    deadline, pause = time.monotonic() + seconds, POLL_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise WaitTimeout(f"{what}: not within {seconds:.0f} s")
        time.sleep(pause)
        pause = min(1.1 * pause, LONGEST_POLL_SECONDS)
