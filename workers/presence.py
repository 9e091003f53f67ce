"""The beat of a relay, scheduler or web process: its row in `processes`, its clock, and what it needs of PostgreSQL."""

import os
import platform
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import psycopg
import redis
import structlog

from kontor.adapters.clock import ServerClock
from kontor.adapters.settings import Settings, SettingsError
from kontor.engine import processes
from kontor.engine.admin import invariants
from kontor.engine.leadership import ProcessIdentity
from kontor.engine.readiness import Readiness
from kontor.kernel.database import PgConnection
from workers.connections import Connection, installed_version, open_connection, psycopg_connection, redis_client

log = structlog.get_logger(__name__)

BEAT_SECONDS = 1.0
PING_SECONDS = 1.0
INVARIANT_SECONDS = 5.0
SCHEMA = "SELECT FROM jobs LIMIT 1"
LIMIT = "SET LOCAL statement_timeout = '2s'"


def identify(role: str) -> ProcessIdentity:
    """Return the identity of this process in a role."""
    name = f"{platform.node()[:20]}-{secrets.token_hex(6)}"
    return ProcessIdentity(role, name, platform.node(), os.getpid(), installed_version())


class RedisPing:
    """Asks Redis for a sign of life; waits at most a second."""

    def __init__(self, settings: Settings) -> None:
        self._client = redis_client(settings, PING_SECONDS)

    def __call__(self) -> bool:
        """Whether Redis answers."""
        try:
            return bool(self._client.ping())
        except redis.RedisError:
            return False


class Presence:
    """Beats at most once a second, over the connection that it is called with."""

    def __init__(self, identity: ProcessIdentity, clock: ServerClock, ping: Callable[[], bool]) -> None:
        self.identity = identity
        self.redis_ok: bool | None = None
        self._clock = clock
        self._ping = ping
        self._next_at = 0.0
        self._has_beaten = False

    @property
    def trusted(self) -> bool:
        """Whether this process's clock is right."""
        return self._clock.trusted

    def now(self) -> datetime:
        """Programme time, aware, UTC. Raises psycopg errors."""
        return self._clock.now()

    def elapsed(self) -> float:
        """Seconds of real time since an arbitrary start."""
        return self._clock.monotonic()

    def beat(self, connection: PgConnection, *, leads: bool, redis_ok: bool | None = None) -> None:
        """Measure the clock and write the row, if a second has passed; without `redis_ok`, ping Redis.

        Raises psycopg errors.
        """
        now = self._clock.monotonic()
        if now < self._next_at:
            return
        self._next_at = now + BEAT_SECONDS
        self._clock.measure(connection)
        self.redis_ok = self._ping() if redis_ok is None else redis_ok
        if not self._has_beaten:
            processes.forget_silent(connection)
            self._has_beaten = True
        processes.beat(
            connection,
            self.identity,
            redis_ok=self.redis_ok,
            offset=self._clock.offset,
            trusted=self.trusted,
            leads=leads,
        )

    def may_lead(self, connection: PgConnection) -> bool:
        """Whether this process's clock is right, and it has Redis or no other process of its role has."""
        if not self.trusted:
            return False
        return bool(self.redis_ok) or not processes.another_has_redis(connection, self.identity)


class PresenceThread(threading.Thread):
    """Beats in a process that has no loop of its own, and notes its readiness; survives the loss of PostgreSQL.

    `flush` is called after each beat, to write what the process gathered.
    """

    def __init__(
        self, settings: Settings, presence: Presence, flush: Callable[[PgConnection], None] | None = None
    ) -> None:
        super().__init__(name="presence", daemon=True)
        self._settings = settings
        self._presence = presence
        self._flush = flush or (lambda _: None)
        self._pooled: Connection | None = None
        self._next_look = 0.0
        self.readiness = Readiness()
        self._stopping = threading.Event()

    def run(self) -> None:
        """Beat until stopped."""
        while not self._stopping.is_set():
            try:
                with psycopg_connection(self._settings, self._presence.identity.application) as connection:
                    while not self._stopping.wait(BEAT_SECONDS):
                        self._presence.beat(connection, leads=False)
                        self._note_readiness(connection)
                        self._flush(connection)
                    self._flush(connection)
                    processes.leave(connection, self._presence.identity)
            except (psycopg.Error, SettingsError) as error:
                self.readiness.fail(error)
                log.warning("presence.no_ledger", error=str(error).strip())
                self._stopping.wait(BEAT_SECONDS)

    def stop(self) -> None:
        """Delete the row and end."""
        self._stopping.set()
        self.join(timeout=5)
        if self._pooled is not None:
            self._pooled.close()

    def _note_readiness(self, connection: PgConnection) -> None:
        """Ask for the schema on the way that requests take, and every 5 s for the invariants. Raises psycopg errors."""
        (self._through_pooler() or connection).execute(SCHEMA)
        self.readiness.succeed()
        if self._presence.elapsed() < self._next_look:
            return
        self._next_look = self._presence.elapsed() + INVARIANT_SECONDS
        now = self._presence.now()
        with suppress(psycopg.errors.QueryCanceled), connection.transaction():
            connection.execute(LIMIT)
            self.readiness.note(invariants.broken(connection, now))

    def _through_pooler(self) -> Connection | None:
        """Return the open connection through the pooler; None without a pooler. Raises psycopg errors."""
        if self._settings.has_pooler and (self._pooled is None or self._pooled.closed):
            self._pooled = open_connection(self._settings, "kontor web", direct=False)
        return self._pooled
