"""How a story fails: loudly, with what was found and what was promised."""

import time
from collections.abc import Callable
from typing import TypeVar

from domain.errors import KontorError

PATIENCE = 60.0
LOOK_SECONDS = 0.02

T = TypeVar("T")


class DemoFailed(KontorError):
    """A story did not end as it has to."""

    def __init__(self, message: str) -> None:
        super().__init__("demo_failed", message)


def must_be(what: str, found: object, promised: object) -> None:
    """Compare. Raises DemoFailed."""
    if found != promised:
        raise DemoFailed(f"{what}: found {found!r}, promised {promised!r}")


def must(what: str, holds: object) -> None:
    """Raises DemoFailed unless it holds."""
    if not holds:
        raise DemoFailed(f"it does not hold that {what}")


def wait_for(what: str, look: Callable[[], T | None], patience: float = PATIENCE) -> T:
    """Look until there is something. Raises DemoFailed when it takes too long."""
    deadline = time.monotonic() + patience
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise DemoFailed(f"waited {patience:g} s in vain for {what}")
        time.sleep(LOOK_SECONDS)
