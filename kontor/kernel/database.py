"""Driver-level access under a Session: connections, error classes, time limits and advisory locks.

Loads SQLAlchemy only when a caller has a Session: the relay runs without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

import psycopg
from psycopg.errors import LockNotAvailable, QueryCanceled

from kontor.kernel.errors import Busy

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

PgConnection = psycopg.Connection[Any]
"""A psycopg connection, whatever shape its rows have."""


def psycopg_connection(session: Session) -> PgConnection:
    """Return the psycopg connection of a Session's current transaction."""
    return cast(PgConnection, session.connection().connection.driver_connection)


# 26000: a prepared statement is missing; psycopg drops them all after some statements of handlers.
_CLASHES = frozenset({"40001", "40P01", "26000"})
_SHUTDOWNS = frozenset({"57P01", "57P02", "57P03", "25P03"})


def _cause(error: BaseException) -> BaseException | None:
    from sqlalchemy.exc import DBAPIError

    return error.orig if isinstance(error, DBAPIError) else error


def is_serialization_failure(error: BaseException) -> bool:
    """Whether to rerun the transaction: a deadlock, a serialisation failure or a missing statement."""
    cause = _cause(error)
    return isinstance(cause, psycopg.Error) and cause.sqlstate in _CLASHES


def is_disconnect(error: BaseException) -> bool:
    """Whether the connection to PostgreSQL is lost: nothing was recorded, and nothing can be."""
    cause = _cause(error)
    if not isinstance(cause, psycopg.OperationalError):
        return False
    state = cause.sqlstate
    return state is None or state in _SHUTDOWNS or state.startswith("08")


def is_lock_timeout(error: BaseException) -> bool:
    """Whether a statement waited too long for a lock."""
    return isinstance(_cause(error), LockNotAvailable)


def is_refused(error: BaseException) -> bool:
    """Whether PostgreSQL responds but accepts no writes: read-only (a failover), or out of a resource."""
    cause = _cause(error)
    state = cause.sqlstate if isinstance(cause, psycopg.Error) else None
    return state is not None and (state == "25006" or state.startswith("53"))


def is_refused_for_now(error: BaseException) -> bool:
    """Whether the same transaction can succeed later: PostgreSQL is lost, read-only, full, or its locks are taken."""
    cause = _cause(error)
    busy = isinstance(cause, LockNotAvailable | QueryCanceled)
    return busy or is_refused(error) or is_disconnect(error) or is_serialization_failure(error)


LOCK_MS = 500
SET_LOCK_TIMEOUT = "SELECT set_config('lock_timeout', %s, true)"


@contextmanager
def lock_limit(session: Session, limit_ms: int = LOCK_MS) -> Iterator[None]:
    """Let no statement of the block wait longer for a lock. Raises Busy; the block then changed nothing."""
    from sqlalchemy.exc import DBAPIError

    connection = psycopg_connection(session)
    try:
        with session.begin_nested():
            before = connection.execute("SELECT current_setting('lock_timeout')").fetchone()
            connection.execute(SET_LOCK_TIMEOUT, (f"{limit_ms}ms",))
            yield
            session.flush()
            connection.execute(SET_LOCK_TIMEOUT, before)
    except (DBAPIError, psycopg.Error) as error:
        if is_lock_timeout(error):
            raise Busy from error
        raise


T = TypeVar("T")


def timeboxed(session: Session, limit_ms: int, query: Callable[[], T]) -> T | None:
    """Return the result of `query`, None when a statement exceeds the limit. Read-only: writes are rolled back."""
    from sqlalchemy import text

    savepoint = session.begin_nested()
    session.execute(text(f"SET LOCAL statement_timeout = {max(1, limit_ms)}"))
    try:
        return query()
    except QueryCanceled:
        return None
    finally:
        savepoint.rollback()


HOLD = "SELECT pg_advisory_xact_lock(hashtextextended(:name, 4711))"


def lock_names(session: Session, *names: str) -> None:
    """Lock the names until the end of the transaction, in sorted order."""
    from sqlalchemy import text

    for name in sorted(names):
        session.execute(text(HOLD), {"name": name})
