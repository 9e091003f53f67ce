"""The heartbeat of a worker: its row in `worker_processes`, updated every 0.5 s on a separate connection.

A beat reports the leases and doorbells that the worker holds. It is not flushed to disk: after a crash of PostgreSQL
the next beat writes the row again.
"""

import os
import platform
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from uuid import UUID

import psycopg
import structlog

from kontor.adapters.clock import ServerClock
from kontor.engine import processes
from kontor.engine.holdings import Holdings
from kontor.engine.job_stats import JobStats
from kontor.engine.leadership import ProcessIdentity
from kontor.kernel.database import PgConnection
from workers.connections import installed_version

log = structlog.get_logger(__name__)

BEAT_SECONDS = 0.5
BEATS_PER_MEASUREMENT = 2
BEATS_PER_FLUSH = 4
CLAIM_SECONDS = 8.0
"""Claim for this long after a beat that was written; the relay strikes a worker off after ten seconds."""
SILENT_CHECKS = 20
"""The process ends when the beat thread makes no turn between this many checks, one a second."""
EXIT_STATUS = 75
REGISTER = """
INSERT INTO worker_processes (id, host, pid, version, threads, queues, started_at, heartbeat_at, beats, leases, bells)
VALUES (%s, %s, %s, %s, %s, %s, clock_timestamp(), clock_timestamp(), %s, %s::uuid[], %s::text[])
ON CONFLICT (id) DO NOTHING
"""
# set_config: this commit is not flushed. A beat follows the one that the thread knows to be written: one that lingers
# on a lost connection undoes no newer one, and of two further beats the second was composed after the first.
BEAT = """
UPDATE worker_processes SET heartbeat_at = clock_timestamp(), memory_bytes = coalesce(%(memory)s, memory_bytes),
    beats = beats + 1, leases = %(leases)s::uuid[], bells = %(bells)s::text[],
    unrecorded_since = clock_timestamp() - make_interval(secs => %(unrecorded)s)
WHERE id = %(worker)s AND beats = %(beats)s AND set_config('synchronous_commit', 'off', true) = 'off'
RETURNING draining
"""
WRITTEN = "SELECT beats FROM worker_processes WHERE id = %s"
CANCELLED = """
SELECT id FROM jobs WHERE worker = %s AND state = 'running' AND cancel_requested
UNION ALL SELECT job_id FROM cancel_requests
"""
DEREGISTER = "DELETE FROM worker_processes WHERE id = %s"


def resident_bytes() -> int | None:
    """Return the resident memory of this process in bytes; None when it cannot be read."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def end_process(reason: str) -> None:
    """End the process at once with status 75, so that the supervisor starts another."""
    log.critical("heartbeat.process_ends", reason=reason, status=EXIT_STATUS)
    os._exit(EXIT_STATUS)


class Heartbeat(threading.Thread):
    """Runs until stopped; survives a restart of PostgreSQL; registers again after the relay deregistered it.

    Any error but PostgreSQL's ends the process: a worker without beats is struck off and must not go on.
    """

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection[tuple[object, ...]]],
        worker: str,
        threads: int,
        queues: Sequence[str],
        on_draining: Callable[[bool], None],
        stats: JobStats,
        holdings: Holdings,
        clock: ServerClock,
        end: Callable[[str], None] = end_process,
    ) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._connect = connect
        self._worker = worker
        self._row = (worker, platform.node(), os.getpid(), installed_version(), threads, list(queues))
        self._on_draining = on_draining
        self._stats = stats
        self._holdings = holdings
        self._clock = clock
        self._identity = ProcessIdentity("worker", worker, platform.node(), os.getpid(), installed_version())
        self._end = end
        self._beats = 0
        self._turns = 0
        self._seen_turns = 0
        self._silent_checks = 0
        self._written_at = float("-inf")
        self._asking = False
        self._stopping = threading.Event()
        self._cancelled: frozenset[UUID] = frozenset()
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None

    def register(self) -> None:
        """Register the worker. Raises psycopg errors."""
        self._connection = self._connect()
        self._insert(self._connection)

    def may_claim(self) -> bool:
        """Whether the worker was registered and beat in the last eight seconds, and its host's clock is right."""
        return self._clock.trusted and monotonic() - self._written_at < CLAIM_SECONDS

    def check(self) -> None:
        """End the process when the thread died or makes no turn; to be called once a second.

        A thread that waits for PostgreSQL is neither. Checks are counted, not seconds: a process that was stopped and
        continues gets its time.
        """
        if not self.is_alive() and not self._stopping.is_set():
            self._end("the heartbeat thread died")
        if self._turns != self._seen_turns or self._asking:
            self._seen_turns, self._silent_checks = self._turns, 0
            return
        self._silent_checks += 1
        if self._silent_checks >= SILENT_CHECKS:
            self._end("the heartbeat thread makes no turn")

    def cancelled(self, job_id: UUID) -> bool:
        """Whether cancellation of this running job was requested; at most one beat late."""
        return job_id in self._cancelled

    def run(self) -> None:
        """Send heartbeats."""
        while not self._stopping.wait(BEAT_SECONDS):
            self._turns += 1
            self._asking = True
            try:
                self._beat()
            except psycopg.Error as error:
                log.warning("heartbeat.missed", error=str(error).strip())
                self._connection = None
            except BaseException as error:  # whatever it is, the process must not live on without beats
                log.critical("heartbeat.died", exc_info=error)
                self._end("the heartbeat failed")
                return
            finally:
                self._asking = False

    def stop(self) -> None:
        """Deregister; jobs still running here count as crashed."""
        self._stopping.set()
        self.join(timeout=5)
        try:
            with self._connect() as connection:
                connection.execute(DEREGISTER, (self._worker,))
                processes.leave(connection, self._identity)
                self._stats.flush(connection)
        except psycopg.Error as error:
            log.warning("heartbeat.not_left", error=str(error).strip())

    def _beat(self) -> None:
        if self._connection is None or self._connection.closed:
            self.register()
        assert self._connection is not None
        memory, began, held = resident_bytes(), monotonic(), self._holdings.now()
        values: dict[str, object] = {
            "worker": self._worker,
            "memory": memory,
            "beats": self._beats,
            "leases": list(held.leases),
        }
        values |= {"bells": list(held.bells), "unrecorded": held.unrecorded_seconds}
        row = self._connection.execute(BEAT, values).fetchone()
        if row is None:
            self._catch_up(self._connection)
            return
        self._beats, self._written_at = self._beats + 1, began
        self._on_draining(bool(row[0]))
        rows = self._connection.execute(CANCELLED, (self._worker,)).fetchall()
        self._cancelled = frozenset(UUID(str(job_id)) for (job_id,) in rows)
        if self._beats % BEATS_PER_MEASUREMENT == 0:
            self._measure(self._connection)
        if self._beats % BEATS_PER_FLUSH == 0:
            self._stats.flush(self._connection)

    def _measure(self, connection: PgConnection) -> None:
        """Compare the host's clock with PostgreSQL's, and show the offset."""
        clock = self._clock
        clock.measure(connection)
        processes.beat(
            connection, self._identity, redis_ok=None, offset=clock.offset, trusted=clock.trusted, leads=False
        )

    def _catch_up(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        """Read which beat was written, or register again when the relay has struck the worker off."""
        row = connection.execute(WRITTEN, (self._worker,)).fetchone()
        if row is not None:
            self._beats = int(str(row[0]))
            return
        log.error("heartbeat.barred", worker=self._worker, remedy="leases were lost; registering again")
        self._written_at = float("-inf")
        self._insert(connection)

    def _insert(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        began, held = monotonic(), self._holdings.now()
        connection.execute(REGISTER, (*self._row, self._beats, list(held.leases), list(held.bells)))
        self._written_at = began
