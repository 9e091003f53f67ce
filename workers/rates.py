"""The thread of a web process that settles its keys' requests with the other web processes, through Redis."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

from kontor.adapters.redis_rates import RedisRates
from kontor.adapters.settings import Settings
from kontor.http.limits import CallLimits, KeyRates
from workers.connections import redis_client
from workers.namespaces import redis_keys

SETTLE_SECONDS: Final = 0.1
ANSWER_SECONDS: Final = 1.0


class RateThread:
    """Settles ten times a second while there are requests."""

    def __init__(self, settings: Settings, rates: KeyRates) -> None:
        self._settings = settings
        self._rates = rates
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rates", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread."""
        self._stopping.set()

    def _run(self) -> None:
        with closing(redis_client(self._settings, ANSWER_SECONDS)) as client:
            shared = RedisRates(client, redis_keys(self._settings))
            while not self._stopping.wait(SETTLE_SECONDS):
                self._rates.settled(shared.settle(self._rates.unsettled()))


@contextmanager
def call_limits(settings: Settings) -> Iterator[CallLimits]:
    """Provide the limits of this process's calls, settled with other processes while the block runs."""
    limits = CallLimits()
    thread = RateThread(settings, limits.rates)
    thread.start()
    try:
        yield limits
    finally:
        thread.stop()
