"""Questions whose price depends on the data: cut after a moment, so that the page comes in any case."""

from collections.abc import Callable
from typing import Final, TypeVar

from psycopg.errors import QueryCanceled
from sqlalchemy import text

from console.visit import Visit

T = TypeVar("T")
LIMIT_MS: Final = 150


def bounded(visit: Visit, ask: Callable[[], T], limit_ms: int = LIMIT_MS) -> T | None:
    """The answer, or None when PostgreSQL takes longer; the page then says so."""
    savepoint = visit.session.begin_nested()
    visit.session.execute(text(f"SET LOCAL statement_timeout = {limit_ms}"))
    try:
        return ask()
    except QueryCanceled:
        return None
    finally:
        savepoint.rollback()
