"""Parts that several processes are put together from."""

from collections.abc import Sequence

from sqlalchemy.engine import make_url

from adapters.clock import SystemClock
from adapters.ledger_clock import LedgerClock
from adapters.settings import Settings
from domain.ports import Clock
from engine.catalogue import Catalogue
from engine.handlers import Handler


def clock_for(settings: Settings) -> Clock:
    """The system clock, or the test clock where the settings turn it on."""
    if not settings.test_clock:
        return SystemClock()
    url = make_url(settings.database_url).set(drivername="postgresql")
    return LedgerClock(url.render_as_string(hide_password=False), settings.test_clock_start)


def handlers_for(settings: Settings) -> Sequence[Handler]:
    """Every handler of the deployment with its adapters."""
    return []


def catalogue_for(settings: Settings) -> Catalogue:
    """What every process knows of the tasks."""
    return Catalogue([handler.payload for handler in handlers_for(settings)])
