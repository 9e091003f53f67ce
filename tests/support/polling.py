"""Waiting for other processes and servers; the only module of the tests that polls."""

import time
from collections.abc import Callable

TIMEOUT_SECONDS = 120.0
POLL_SECONDS = 0.01


class WaitTimeout(Exception):
    """A condition did not hold in time."""


def wait_for(condition: Callable[[], bool], what: str = "it", seconds: float = TIMEOUT_SECONDS) -> None:
    """Wait until a condition holds. Raises WaitTimeout."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise WaitTimeout(f"{what}: not within {seconds:.0f} s")
        time.sleep(POLL_SECONDS)
