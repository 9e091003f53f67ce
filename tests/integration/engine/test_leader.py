"""Leadership among several relays."""

import threading
from dataclasses import replace

import psycopg

from kontor.adapters.settings import Settings
from kontor.engine.catalogue import Catalogue
from kontor.engine.testing import MemoryDoorbellChannel
from tests.conftest import libpq
from tests.integration.engine.scripted_tasks import Write
from tests.support.polling import wait_for
from workers.relay import LEAD, RelayProcess


class LeaderSignal(MemoryDoorbellChannel):
    """Signals that the relay leads."""

    def __init__(self) -> None:
        super().__init__()
        self.led = threading.Event()

    def begin(self) -> None:
        self.led.set()


class StandbySignal(threading.Event):
    """A stop event that signals that the relay waits for leadership."""

    def __init__(self) -> None:
        super().__init__()
        self.waited = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.set()
        return super().wait(0.01)


def test_relay_takes_over_only_when_the_leader_is_gone(settings: Settings) -> None:
    real = replace(settings, test_clock=False, test_clock_start=None)
    process, bells, standby = RelayProcess(real, Catalogue([Write])), LeaderSignal(), StandbySignal()
    process._bells, process._stop_requested = bells, standby  # type: ignore[assignment]  # the same calls, in memory
    relay = threading.Thread(target=process.run)
    with psycopg.connect(libpq(settings.database_url), autocommit=True) as leader:
        leader.execute(LEAD)
        relay.start()
        try:
            wait_for(lambda: standby.waited.is_set() or bells.led.is_set(), "the second relay", 30)
            assert not bells.led.is_set()
            leader.close()
            assert bells.led.wait(30)
        finally:
            process.stop()
            relay.join(30)
