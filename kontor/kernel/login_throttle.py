"""Login throttle: five wrong passwords within 15 minutes lock for 15 minutes (programme.md 2.3)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

MAX_FAILURES: Final = 5
FAILURE_WINDOW: Final = timedelta(minutes=15)
LOCK_PERIOD: Final = timedelta(minutes=15)
FAILURE_RETENTION: Final = FAILURE_WINDOW + LOCK_PERIOD


def locked_until(failures: Iterable[datetime], now: datetime) -> datetime | None:
    """Return the end of the lock, None if not locked. Attempts during a lock must not be in `failures`."""
    latest = sorted(failures, reverse=True)[:MAX_FAILURES]
    if len(latest) < MAX_FAILURES or latest[0] - latest[-1] >= FAILURE_WINDOW:
        return None
    end = latest[0] + LOCK_PERIOD
    return end if now < end else None
