"""The transaction of a request, for API, portal and console: begin, work, commit or roll back, run again after a clash.

This is the only module of the web process that commits.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final, TypeVar

import psycopg
from psycopg import Connection
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from kontor.http.context import Deps
from kontor.http.problems import DB_UNAVAILABLE, OutOfRange, Unavailable
from kontor.kernel.database import is_disconnect, is_lock_timeout, is_refused, is_serialization_failure
from kontor.kernel.errors import Busy, KontorError

RERUNS: Final = 2
RERUN_SECONDS: Final = 5.0
"""After this time a lock time-out is not waited for again."""
T = TypeVar("T")
W = TypeVar("W", Session, Connection[Any])


class StaleConnection(Exception):
    """The connection was lost before the commit, for example by a restart of PostgreSQL: nothing was recorded."""


def run(deps: Deps, work: Callable[[Session], T]) -> T:
    """Run `work` in one transaction and commit; any exception rolls back.

    `work` runs again after a deadlock, a serialization failure, a short lock time-out or a lost connection, so its
    effects must be in the database alone. Raises what it raises, and OutOfRange, Busy, Unavailable.
    """
    return _run(deps, deps.sessions, work)


def run_on_connection(deps: Deps, work: Callable[[Connection[Any]], T]) -> T:
    """Do the same without a Session, which would cost more than all other work of a short request."""
    return _run(deps, deps.connection, work)


def run_page(deps: Deps, show: Callable[[Session], T], refuse: Callable[[Session | None, KontorError], T]) -> T:
    """Run `show`; if it raises an expected error, return the page of `refuse` from a transaction of its own.

    Without a database `refuse` has no Session.
    """
    try:
        return run(deps, show)
    except Unavailable as error:
        return refuse(None, error)
    except KontorError as error:
        reason = error
    try:
        return run(deps, lambda session: refuse(session, reason))
    except Unavailable as error:
        return refuse(None, error)


def _run(deps: Deps, begin: Callable[[], AbstractContextManager[W]], work: Callable[[W], T]) -> T:
    began = deps.clock.monotonic()
    try:
        for _ in range(RERUNS):
            try:
                return _run_once(begin, work)
            except StaleConnection:
                deps.drop_connections()
            except (DBAPIError, psycopg.Error) as error:
                short = deps.clock.monotonic() - began < RERUN_SECONDS
                if not (is_serialization_failure(error) or (is_lock_timeout(error) and short)):
                    raise
        return _run_once(begin, work)
    except (DataError, psycopg.DataError) as error:
        raise OutOfRange from error
    except (DBAPIError, psycopg.Error, PoolTimeout, StaleConnection) as error:
        expected = _expected(error)
        if expected is None:
            raise
        raise expected from error


def _expected(error: Exception) -> KontorError | None:
    """Return what an error of the database means for the caller; None for a defect."""
    if is_serialization_failure(error) or is_lock_timeout(error):
        return Busy()
    if is_refused(error):
        return Unavailable("The database accepts no changes at the moment: it is read-only or full. Try again.")
    return Unavailable() if isinstance(error, (*DB_UNAVAILABLE, StaleConnection)) else None


def _run_once(begin: Callable[[], AbstractContextManager[W]], work: Callable[[W], T]) -> T:
    with begin() as transaction:
        try:
            result = work(transaction)
        except DB_UNAVAILABLE as error:
            if _is_lost(error):
                raise StaleConnection from error
            raise
        transaction.commit()
    return result


def _is_lost(error: Exception) -> bool:
    """Whether a statement failed for a lost connection; a new connection that cannot be opened has no statement."""
    return is_disconnect(error) and not (isinstance(error, DBAPIError) and error.statement is None)
