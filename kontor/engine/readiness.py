"""Whether this web process can work: by its own last queries, so that the answer waits for no connection."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final

import psycopg

from kontor.engine.admin.invariants import READ_ONLY, BrokenInvariant
from kontor.kernel.database import is_disconnect

SILENT_SECONDS: Final = 5.0
REFUSED_WRITE: Final = "25006"
NO_SCHEMA: Final = frozenset({"42P01", "42703", "3F000"})
# libpq gives no SQLSTATE for a connection that was refused.
SCARCE: Final = re.compile(r"too many (clients|connections)|connection slots|no more connections allowed")


def cause_of_unreadiness(error: Exception) -> str | None:
    """Return why a process cannot work when its query raised this; None when another query may succeed.

    A shortage (of connections, disk or locks) does not pass when this process gets no more requests.
    """
    cause = getattr(error, "orig", None) or error
    if not isinstance(cause, psycopg.Error) or SCARCE.search(str(cause)):
        return None
    text = next(iter(str(cause).strip().splitlines()), type(cause).__name__)
    hopeless = cause.sqlstate == REFUSED_WRITE or cause.sqlstate in NO_SCHEMA or is_disconnect(cause)
    return text if hopeless else None


@dataclass(frozen=True, slots=True)
class ReadinessReport:
    """`why` this process cannot work (None: it can), and the names of the deployment's broken invariants."""

    why: str | None
    broken: tuple[str, ...] = ()


def report_of(broken: Sequence[BrokenInvariant]) -> ReadinessReport:
    """Return the report of a process that PostgreSQL answered: it cannot work when PostgreSQL is read-only."""
    why = next((entry.text for entry in broken if entry.name == READ_ONLY), None)
    return ReadinessReport(why, tuple(dict.fromkeys(entry.name for entry in broken)))


class Readiness:
    """Written by the thread that asks PostgreSQL, read by any other."""

    def __init__(self, elapsed: Callable[[], float] = monotonic) -> None:
        self._elapsed = elapsed
        self._answered_at: float | None = None
        self._why: str | None = None
        self._broken: tuple[str, ...] = ()

    def succeed(self) -> None:
        """Note that PostgreSQL answered as this process needs it."""
        self._answered_at, self._why = self._elapsed(), None

    def note(self, broken: Sequence[BrokenInvariant]) -> None:
        """Note the broken invariants."""
        self._broken = report_of(broken).broken

    def fail(self, error: Exception) -> None:
        """Note that a query raised an error."""
        self._answered_at, self._why = self._elapsed(), cause_of_unreadiness(error)

    def report(self) -> ReadinessReport | None:
        """Return the state at the last answer; None before the first one."""
        if self._answered_at is None:
            return None
        seconds = self._elapsed() - self._answered_at
        if seconds > SILENT_SECONDS:
            return ReadinessReport(f"PostgreSQL has not answered for {seconds:.0f} s", self._broken)
        return ReadinessReport(self._why, self._broken)
