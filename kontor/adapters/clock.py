"""Programme time: PostgreSQL's, carried on by the monotonic clock, or the test clock, which one call moves for all."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg

from kontor.kernel.database import PgConnection

QUICK_SECONDS: Final = 0.25
"""A longer round trip says too little about the offset."""

DISTRUST_SECONDS: Final = 5.0
"""A host further from PostgreSQL than this in three beats running claims, leads and fires nothing."""

DISTRUST_BEATS: Final = 3
ALERT_SECONDS: Final = 1.0
TRIPS: Final = 3
RENEW_SECONDS: Final = 60.0
SERVER_TIME: Final = "SELECT clock_timestamp()"

Monotonic = Callable[[], float]
WallTime = Callable[[], datetime]


def elapsed_seconds() -> float:
    """Seconds since an arbitrary start, including those in which the machine was suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def host_time() -> datetime:
    """Return this host's wall time, aware, UTC."""
    return datetime.now(UTC)


class SystemClock:
    """Wall time of the host is programme time."""

    def now(self) -> datetime:
        """Programme time, aware, UTC."""
        return host_time()

    def wall_time(self) -> datetime:
        """Wall time, aware, UTC."""
        return host_time()

    def monotonic(self) -> float:
        """Seconds of real time since an arbitrary start."""
        return elapsed_seconds()


@dataclass(frozen=True, slots=True)
class ClockReading:
    """The quickest of three round trips, in seconds; `offset_seconds`: this host's clock minus PostgreSQL's."""

    offset_seconds: float
    round_trip_seconds: float

    @property
    def quick(self) -> bool:
        """Whether the round trip was short enough to judge this host's clock."""
        return self.round_trip_seconds < QUICK_SECONDS


class ServerClock:
    """PostgreSQL's time at the last measurement plus the time elapsed since; a jump of the host's clock has no effect.

    Until the first measurement it is the host's time at the start. `offset` is None until then.
    """

    def __init__(self, elapsed: Monotonic = elapsed_seconds, host: WallTime = host_time) -> None:
        self._elapsed = elapsed
        self._host = host
        self._base = (host(), elapsed())
        self._measured_at: float | None = None
        self._wrong_beats = 0
        self.offset: float | None = None

    @property
    def trusted(self) -> bool:
        """Whether this host's clock is near enough to PostgreSQL's to claim, lead and fire."""
        return self._wrong_beats < DISTRUST_BEATS

    def now(self) -> datetime:
        """Programme time, aware, UTC."""
        return self.wall_time()

    def wall_time(self) -> datetime:
        """PostgreSQL's time, aware, UTC."""
        instant, start = self._base
        return instant + timedelta(seconds=self._elapsed() - start)

    def monotonic(self) -> float:
        """Seconds of real time since an arbitrary start."""
        return self._elapsed()

    def measure(self, connection: PgConnection) -> ClockReading:
        """Compare the clocks in three round trips and follow PostgreSQL's. Raises psycopg errors."""
        readings = [self._read(connection) for _ in range(TRIPS)]
        reading, server_time, at = min(readings, key=lambda entry: entry[0].round_trip_seconds)
        self.offset = reading.offset_seconds
        if reading.quick:
            wrong = abs(reading.offset_seconds) > DISTRUST_SECONDS
            self._wrong_beats = self._wrong_beats + 1 if wrong else 0
        if reading.quick or self._measured_at is None or at - self._measured_at > RENEW_SECONDS:
            self._base, self._measured_at = (server_time, at), at
        return reading

    def _read(self, connection: PgConnection) -> tuple[ClockReading, datetime, float]:
        """Return the reading, PostgreSQL's time and the elapsed seconds at the middle of the round trip."""
        host, start = self._host(), self._elapsed()
        row = connection.execute(SERVER_TIME).fetchone()
        trip = self._elapsed() - start
        assert row is not None
        server_time = row[0].astimezone(UTC)
        offset = (host - server_time).total_seconds() + trip / 2
        return ClockReading(offset, trip), server_time, start + trip / 2


READ = "SELECT now FROM clock WHERE id = 1"
SET_FIRST = "INSERT INTO clock (id, now) VALUES (1, %s) ON CONFLICT DO NOTHING"


class DatabaseClock(ServerClock):
    """PostgreSQL's time until the test clock is set, then the time in the database, read at every call."""

    def __init__(self, dsn: str, start: datetime | None = None) -> None:
        super().__init__()
        self._dsn = dsn
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[tuple[datetime]] | None = None
        if start is not None:
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute(SET_FIRST, (start,))

    def now(self) -> datetime:
        """Programme time, aware, UTC. Waits for no transaction. Raises psycopg errors."""
        with self._lock:
            try:
                row = self._test_time()
            except psycopg.OperationalError:
                row = self._test_time()
        return self.wall_time() if row is None else row[0].astimezone(UTC)

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()

    def _test_time(self) -> tuple[datetime] | None:
        """Read the time, on a new connection if the old one is lost."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._dsn, autocommit=True, connect_timeout=5)
        return self._connection.execute(READ).fetchone()
