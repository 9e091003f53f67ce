"""Wall time, and the test clock kept in the database so that one call moves every process."""

import threading
import time
from datetime import UTC, datetime

import psycopg


class SystemClock:
    """Wall time is programme time."""

    def now(self) -> datetime:
        """Programme time, aware, UTC."""
        return datetime.now(UTC)

    def wall_time(self) -> datetime:
        """Wall time, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds of real time since an arbitrary start."""
        return time.monotonic()


READ = "SELECT now FROM clock WHERE id = 1"
SET_FIRST = "INSERT INTO clock (id, now) VALUES (1, %s) ON CONFLICT DO NOTHING"


class DatabaseClock(SystemClock):
    """Real time until the clock is set, then the time in the database, read at every call."""

    def __init__(self, dsn: str, start: datetime | None = None) -> None:
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
                row = self._read()
            except psycopg.OperationalError:
                row = self._read()
        return self.wall_time() if row is None else row[0].astimezone(UTC)

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()

    def _read(self) -> tuple[datetime] | None:
        """Read the time, on a new connection if the old one is lost."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._dsn, autocommit=True, connect_timeout=5)
        return self._connection.execute(READ).fetchone()
