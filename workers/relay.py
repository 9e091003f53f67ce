"""`kontor relay`: leads while it holds the leader lock, else stands by."""

import signal
import threading
from types import FrameType

import psycopg
import structlog

from kontor.adapters.fault_injection import KillAt
from kontor.adapters.redis_doorbell import RedisDoorbellChannel
from kontor.adapters.settings import Settings
from kontor.engine.catalogue import Catalogue
from kontor.engine.relay import Relay
from kontor.kernel.doorbells import DoorbellChannel, DoorbellUnavailable
from kontor.kernel.ports import CrashPoint, no_crash
from tasks.catalogue import catalogue as every_task
from workers.connections import clock_for, psycopg_connection, redis_client, tracer_for
from workers.namespaces import redis_keys

log = structlog.get_logger(__name__)

LEAD = "SELECT pg_try_advisory_lock(hashtext('kontor relay'))"
STANDBY_SECONDS = 0.5
BROKER_DOWN_SECONDS = 0.2


class RelayProcess:
    """Acquires leadership and runs the relay; restarts after a loss of PostgreSQL or Redis."""

    def __init__(self, settings: Settings, catalogue: Catalogue, crash: CrashPoint = no_crash) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._crash = crash
        self._clock = clock_for(settings)
        keys = redis_keys(settings)
        self._bells = RedisDoorbellChannel(redis_client(settings), keys, catalogue.queues)
        self._tracer = tracer_for(settings, "relay")
        self._stop_requested = threading.Event()
        self._after_outage = False

    def stop(self, number: int = 0, frame: FrameType | None = None) -> None:
        """Request the relay to stop."""
        self._stop_requested.set()

    def run(self) -> None:
        """Run until a stop is requested."""
        while not self._stop_requested.is_set():
            try:
                with psycopg_connection(self._settings, "kontor-relay") as connection:
                    self._lead(connection)
            except psycopg.Error as error:
                log.warning("relay.no_ledger", error=str(error).strip())
                self._after_outage = True
                self._stop_requested.wait(STANDBY_SECONDS)
        if self._tracer is not None:
            self._tracer.close()

    def _lead(self, connection: "psycopg.Connection[tuple[object, ...]]") -> None:
        while not self._stop_requested.is_set():
            row = connection.execute(LEAD).fetchone()
            if row and row[0]:
                break
            self._stop_requested.wait(STANDBY_SECONDS)
        relay = Relay(connection, self._channel(connection), self._catalogue, self._clock, self._crash)
        relay.after_outage = self._after_outage
        started = False
        log.info("relay.leading")
        while not self._stop_requested.is_set():
            try:
                if not started:
                    relay.begin()
                    started = True
                relay.tick()
            except DoorbellUnavailable as error:
                log.warning("relay.no_broker", error=str(error))
                started = False
                self._stop_requested.wait(BROKER_DOWN_SECONDS)

    def _channel(self, connection: "psycopg.Connection[tuple[object, ...]]") -> DoorbellChannel:
        if self._tracer is None:
            return self._bells
        from kontor.engine.tracing import TracedDoorbellChannel

        return TracedDoorbellChannel(self._bells, connection, self._tracer)


def run(settings: Settings, catalogue: Catalogue | None = None, crash: CrashPoint | None = None) -> None:
    """Run a relay until SIGTERM or SIGINT."""
    if crash is None and settings.crash_point is not None:
        crash = KillAt(settings.crash_point)
    process = RelayProcess(settings, catalogue or every_task(), crash or no_crash)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, process.stop)
    process.run()
