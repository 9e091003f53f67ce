"""`kontor relay`: leads while it holds the lease, else stands by."""

import signal
import threading
from functools import partial
from types import FrameType

import psycopg
import structlog

from kontor.adapters.fault_injection import KillAt
from kontor.adapters.redis_doorbell import RedisDoorbellChannel
from kontor.adapters.settings import Settings
from kontor.engine import processes
from kontor.engine.catalogue import Catalogue
from kontor.engine.leadership import Leadership, LeadershipLost
from kontor.engine.relay import Relay
from kontor.kernel.database import PgConnection
from kontor.kernel.doorbells import DoorbellChannel, DoorbellUnavailable
from kontor.kernel.ports import CrashPoint, no_crash
from kontor.task_types import registry as task_types
from tasks.catalogue import catalogue as every_task
from workers.connections import clock_for, psycopg_connection, redis_client, tracer_for
from workers.namespaces import redis_keys
from workers.presence import Presence, RedisPing, identify

log = structlog.get_logger(__name__)

STANDBY_SECONDS = 0.5
BROKER_DOWN_SECONDS = 0.2
RESET_REMEDY = "if Redis was not emptied, another deployment uses the same KONTOR_NAMESPACE there: give each its own"
BROKER_TIMEOUT_SECONDS = 3.0
GIVE_UP_SECONDS = 4.0
"""A leader without Redis for this long, after an error that takes up to three, lets another lead that has it."""


class RelayProcess:
    """Acquires leadership and runs the relay; restarts after a loss of PostgreSQL or Redis."""

    def __init__(self, settings: Settings, catalogue: Catalogue, crash: CrashPoint = no_crash) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._crash = crash
        self._clock = clock_for(settings)
        keys = redis_keys(settings)
        self._bells = RedisDoorbellChannel(redis_client(settings, BROKER_TIMEOUT_SECONDS), keys, catalogue.channels)
        self._presence = Presence(identify("relay"), self._clock, RedisPing(settings))
        self._tracer = tracer_for(settings, "relay")
        self._stop_requested = threading.Event()
        self._after_outage = False

    def stop(self, number: int = 0, frame: FrameType | None = None) -> None:
        """Request the relay to stop."""
        self._stop_requested.set()

    def run(self) -> None:
        """Run until a stop is requested."""
        identity = self._presence.identity
        while not self._stop_requested.is_set():
            try:
                with psycopg_connection(self._settings, identity.application) as connection:
                    leadership = Leadership(connection, identity, self._clock.monotonic)
                    while self._await_leadership(connection, leadership):
                        self._lead(connection, leadership)
                    processes.leave(connection, identity)
            except psycopg.Error as error:
                log.warning("relay.no_ledger", error=str(error).strip())
                self._after_outage = True
                self._stop_requested.wait(STANDBY_SECONDS)
        if self._tracer is not None:
            self._tracer.close()

    def _await_leadership(self, connection: PgConnection, leadership: Leadership) -> bool:
        """Stand by until this process leads; False when a stop is requested."""
        while not self._stop_requested.is_set():
            self._presence.beat(connection, leads=False)
            if self._presence.may_lead(connection) and leadership.acquire():
                return True
            self._stop_requested.wait(STANDBY_SECONDS)
        return False

    def _lead(self, connection: PgConnection, leadership: Leadership) -> None:
        """Lead until a stop is requested or the leadership is lost or given up. Raises psycopg errors."""
        relay = Relay(connection, self._channel(connection), self._catalogue, self._clock, self._crash, leadership)
        relay.after_outage = self._after_outage
        relay.refresh = partial(task_types.refresh, catalogue=self._catalogue)
        log.info("relay.leading", fence=leadership.fence)
        try:
            self._run_relay(connection, leadership, relay)
        except LeadershipLost:
            log.warning("relay.stepped_down", fence=leadership.fence)
        leadership.release()

    def _run_relay(self, connection: PgConnection, leadership: Leadership, relay: Relay) -> None:
        started = False
        down_since: float | None = None
        while not self._stop_requested.is_set() and self._clock.trusted:
            leadership.renew()
            self._presence.beat(connection, leads=True, redis_ok=down_since is None)
            try:
                if not started:
                    relay.begin()
                    started = True
                resets = relay.stats.resets
                relay.tick()
                if relay.stats.resets > resets:
                    log.warning("relay.reset", resets=relay.stats.resets, remedy=RESET_REMEDY)
                down_since = None
            except DoorbellUnavailable as error:
                log.warning("relay.no_broker", error=str(error))
                started = False
                down_since = self._clock.monotonic() if down_since is None else down_since
                if self._should_give_up(connection, down_since):
                    log.warning("relay.gave_up_lead", reason="another relay reaches Redis")
                    return
                self._stop_requested.wait(BROKER_DOWN_SECONDS)

    def _should_give_up(self, connection: PgConnection, down_since: float) -> bool:
        if self._clock.monotonic() - down_since < GIVE_UP_SECONDS:
            return False
        self._presence.redis_ok = False
        return processes.another_has_redis(connection, self._presence.identity)

    def _channel(self, connection: PgConnection) -> DoorbellChannel:
        if self._tracer is None:
            return self._bells
        from kontor.engine.tracing import TracedDoorbellChannel

        return TracedDoorbellChannel(self._bells, connection, self._tracer)


def run(settings: Settings, catalogue: Catalogue | None = None, crash: CrashPoint | None = None) -> None:
    """Run a relay until SIGTERM or SIGINT."""
    if crash is None and settings.crash_point is not None:
        crash = KillAt(settings.crash_point)
    process = RelayProcess(
        settings, catalogue or every_task(settings.task_packages, simulated=settings.in_sandbox), crash or no_crash
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, process.stop)
    process.run()
