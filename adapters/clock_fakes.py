"""A clock for tests that moves only on request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class ManualClock:
    """Implements domain.ports.Clock; programme time and wall time are the same."""

    def __init__(self, now: datetime = NOON) -> None:
        self._start = self._now = now

    def now(self) -> datetime:
        """Programme time, aware, UTC."""
        return self._now

    def real(self) -> datetime:
        """The same instant."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the clock was created."""
        return (self._now - self._start).total_seconds()

    def advance(self, by: timedelta) -> datetime:
        """Advance the clock; return the new time."""
        self._now += by
        return self._now
