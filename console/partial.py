"""Questions whose price depends on the data: a page waits a moment for them and comes without, if need be."""

from collections.abc import Callable
from typing import Final, TypeVar

from console.visit import Visit
from store.patience import within

T = TypeVar("T")
LIMIT_MS: Final = 150


def bounded(visit: Visit, ask: Callable[[], T], limit_ms: int = LIMIT_MS) -> T | None:
    """The answer, or None when PostgreSQL takes longer; the page then says so."""
    return within(visit.session, limit_ms, ask)
