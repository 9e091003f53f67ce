"""The heartbeat of a worker: its row in `worker_processes`, updated every 0.5 s on a separate connection."""

import os
import platform
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

import psycopg
import structlog

from kontor.engine.job_stats import JobStats
from workers.connections import installed_version

log = structlog.get_logger(__name__)

BEAT_SECONDS = 0.5
BEATS_PER_FLUSH = 4
REGISTER = """
INSERT INTO worker_processes (id, host, pid, version, threads, queues, started_at, heartbeat_at)
VALUES (%s, %s, %s, %s, %s, %s, clock_timestamp(), clock_timestamp())
ON CONFLICT (id) DO NOTHING
"""
BEAT = """
UPDATE worker_processes SET heartbeat_at = clock_timestamp(), memory_bytes = %s WHERE id = %s
RETURNING draining
"""
CANCELLED = """
SELECT id FROM jobs WHERE worker = %s AND state = 'running' AND cancel_requested
UNION ALL SELECT job_id FROM cancel_requests
"""
DEREGISTER = "DELETE FROM worker_processes WHERE id = %s"


def resident_bytes() -> int:
    """Return the resident memory of this process in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class Heartbeat(threading.Thread):
    """Runs until stopped; survives a restart of PostgreSQL; registers again after the relay deregistered it."""

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection[tuple[object, ...]]],
        worker: str,
        threads: int,
        queues: Sequence[str],
        on_draining: Callable[[bool], None],
        stats: JobStats,
    ) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._connect = connect
        self._worker = worker
        self._row = (worker, platform.node(), os.getpid(), installed_version(), threads, list(queues))
        self._on_draining = on_draining
        self._stats = stats
        self._beats = 0
        self._stopping = threading.Event()
        self._cancelled: frozenset[UUID] = frozenset()
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None

    def register(self) -> None:
        """Register the worker. Raises psycopg errors."""
        self._connection = self._connect()
        self._connection.execute(REGISTER, self._row)

    def cancelled(self, job_id: UUID) -> bool:
        """Whether cancellation of this running job was requested; at most one beat late."""
        return job_id in self._cancelled

    def run(self) -> None:
        """Send heartbeats."""
        while not self._stopping.wait(BEAT_SECONDS):
            try:
                self._beat()
            except psycopg.Error as error:
                log.warning("heartbeat.missed", error=str(error).strip())
                self._connection = None

    def stop(self) -> None:
        """Deregister; jobs still running here count as crashed."""
        self._stopping.set()
        self.join(timeout=5)
        try:
            with self._connect() as connection:
                connection.execute(DEREGISTER, (self._worker,))
                self._stats.flush(connection)
        except psycopg.Error as error:
            log.warning("heartbeat.not_left", error=str(error).strip())

    def _beat(self) -> None:
        if self._connection is None or self._connection.closed:
            self.register()
        assert self._connection is not None
        row = self._connection.execute(BEAT, (resident_bytes(), self._worker)).fetchone()
        if row is None:
            log.error("heartbeat.barred", worker=self._worker, remedy="leases were lost; registering again")
            self._connection.execute(REGISTER, self._row)
            return
        self._on_draining(bool(row[0]))
        rows = self._connection.execute(CANCELLED, (self._worker,)).fetchall()
        self._cancelled = frozenset(UUID(str(job_id)) for (job_id,) in rows)
        self._beats += 1
        if self._beats % BEATS_PER_FLUSH == 0:
            self._stats.flush(self._connection)
