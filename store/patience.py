"""Questions whose price depends on the data: cut after a while, so that an answer comes in any case."""

from collections.abc import Callable
from typing import TypeVar

from psycopg.errors import QueryCanceled
from sqlalchemy import text
from sqlalchemy.orm import Session

T = TypeVar("T")


def within(session: Session, limit_ms: int, ask: Callable[[], T]) -> T | None:
    """The answer, or None when one statement takes longer. For reading: what `ask` writes is rolled back."""
    savepoint = session.begin_nested()
    session.execute(text(f"SET LOCAL statement_timeout = {max(1, limit_ms)}"))
    try:
        return ask()
    except QueryCanceled:
        return None
    finally:
        savepoint.rollback()
