"""The test clock: programme time in the database, shared by all processes."""

import threading
from datetime import UTC, datetime

import psycopg

from adapters.clock import SystemClock

READ = "SELECT now FROM clock WHERE id = 1"
SET_FIRST = "INSERT INTO clock (id, now) VALUES (1, %s) ON CONFLICT DO NOTHING"


class LedgerClock(SystemClock):
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
        return self.real() if row is None else row[0].astimezone(UTC)

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
