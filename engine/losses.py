"""Distinguishes lost connections and deadlocks from errors of the handler."""

import psycopg
from sqlalchemy.exc import DBAPIError

# 26000: a prepared statement is missing; psycopg drops them all after some statements of handlers.
_CLASHES = frozenset({"40001", "40P01", "26000"})
_SHUTDOWNS = frozenset({"57P01", "57P02", "57P03", "25P03"})


def _cause(error: BaseException) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else error


def is_clash(error: BaseException) -> bool:
    """Whether to rerun the transaction: a deadlock, a serialisation failure or a missing statement."""
    cause = _cause(error)
    return isinstance(cause, psycopg.Error) and cause.sqlstate in _CLASHES


def is_lost(error: BaseException) -> bool:
    """Whether the connection to PostgreSQL is lost: nothing was recorded, and nothing can be."""
    cause = _cause(error)
    if not isinstance(cause, psycopg.OperationalError):
        return False
    state = cause.sqlstate
    return state is None or state in _SHUTDOWNS or state.startswith("08")
