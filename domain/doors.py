"""A door that wrong passwords lock: five failures in 15 minutes shut it for 15 (programme.md 2.3)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

FAILURES: Final = 5
WITHIN: Final = timedelta(minutes=15)
SHUT_FOR: Final = timedelta(minutes=15)
REMEMBERED: Final = WITHIN + SHUT_FOR


def shut_until(failures: Iterable[datetime], now: datetime) -> datetime | None:
    """When the door opens again, None while it is open; attempts at a shut door do not count."""
    latest = sorted(failures, reverse=True)[:FAILURES]
    if len(latest) < FAILURES or latest[0] - latest[-1] >= WITHIN:
        return None
    opens = latest[0] + SHUT_FOR
    return opens if now < opens else None
