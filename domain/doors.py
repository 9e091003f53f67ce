"""Login throttle: five wrong passwords within 15 minutes lock for 15 minutes (programme.md 2.3)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

FAILURES: Final = 5
WITHIN: Final = timedelta(minutes=15)
SHUT_FOR: Final = timedelta(minutes=15)
REMEMBERED: Final = WITHIN + SHUT_FOR


def shut_until(failures: Iterable[datetime], now: datetime) -> datetime | None:
    """Return the end of the lock, None if not locked. Attempts during a lock must not be in `failures`."""
    latest = sorted(failures, reverse=True)[:FAILURES]
    if len(latest) < FAILURES or latest[0] - latest[-1] >= WITHIN:
        return None
    end = latest[0] + SHUT_FOR
    return end if now < end else None
