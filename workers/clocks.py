"""The clock of a process, in a module of its own for callers with few imports."""

from datetime import datetime

from sqlalchemy.engine import make_url

from adapters.clock import SystemClock
from adapters.ledger_clock import LedgerClock
from adapters.settings import Settings
from domain.ports import Clock


def clock_for(settings: Settings) -> Clock:
    """Return the system clock, or the test clock if the settings enable it."""
    if not settings.test_clock:
        return SystemClock()
    url = make_url(settings.database_url).set(drivername="postgresql")
    return LedgerClock(url.render_as_string(hide_password=False), settings.test_clock_start)


def programme_time(settings: Settings) -> datetime:
    """Return the programme time and close the connection."""
    clock = clock_for(settings)
    try:
        return clock.now()
    finally:
        if isinstance(clock, LedgerClock):
            clock.close()
