"""The clock of a process. Apart from the other parts, for those that need little else."""

from datetime import datetime

from sqlalchemy.engine import make_url

from adapters.clock import SystemClock
from adapters.ledger_clock import LedgerClock
from adapters.settings import Settings
from domain.ports import Clock


def clock_for(settings: Settings) -> Clock:
    """The system clock, or the test clock where the settings turn it on."""
    if not settings.test_clock:
        return SystemClock()
    url = make_url(settings.database_url).set(drivername="postgresql")
    return LedgerClock(url.render_as_string(hide_password=False), settings.test_clock_start)


def programme_time(settings: Settings) -> datetime:
    """Programme time now, leaving no connection behind."""
    clock = clock_for(settings)
    try:
        return clock.now()
    finally:
        if isinstance(clock, LedgerClock):
            clock.close()
