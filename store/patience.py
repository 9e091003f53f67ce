"""Time limits for queries whose cost depends on the data."""

from collections.abc import Callable
from typing import TypeVar

from psycopg.errors import QueryCanceled
from sqlalchemy import text
from sqlalchemy.orm import Session

T = TypeVar("T")


def within(session: Session, limit_ms: int, query: Callable[[], T]) -> T | None:
    """Return the result of `query`, None when a statement exceeds the limit. Read-only: writes are rolled back."""
    savepoint = session.begin_nested()
    session.execute(text(f"SET LOCAL statement_timeout = {max(1, limit_ms)}"))
    try:
        return query()
    except QueryCanceled:
        return None
    finally:
        savepoint.rollback()
