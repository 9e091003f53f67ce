"""Queries whose cost depends on the data: a page runs them with a timeout and does without on expiry."""

from collections.abc import Callable
from typing import Final, TypeVar

from console.visit import ConsoleRequest
from store.patience import within

T = TypeVar("T")
LIMIT_MS: Final = 150


def timeboxed(request: ConsoleRequest, ask: Callable[[], T], limit_ms: int = LIMIT_MS) -> T | None:
    """Return the result, or None on timeout; the page then says so."""
    return within(request.session, limit_ms, ask)
