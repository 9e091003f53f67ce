"""Telling a lost connection and a deadlock from a failure of the work itself."""

import psycopg
from sqlalchemy.exc import DBAPIError

# 26000: a prepared statement is gone, since the handler sent something after which psycopg drops them all.
_CLASHES = frozenset({"40001", "40P01", "26000"})
_SHUTDOWNS = frozenset({"57P01", "57P02", "57P03", "25P03"})


def _cause(error: BaseException) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else error


def is_clash(error: BaseException) -> bool:
    """A deadlock, a serialisation failure, a lost statement: run the transaction again."""
    cause = _cause(error)
    return isinstance(cause, psycopg.Error) and cause.sqlstate in _CLASHES


def is_lost(error: BaseException) -> bool:
    """PostgreSQL went away: nothing was recorded, and nothing can be."""
    cause = _cause(error)
    if not isinstance(cause, psycopg.OperationalError):
        return False
    state = cause.sqlstate
    return state is None or state in _SHUTDOWNS or state.startswith("08")
