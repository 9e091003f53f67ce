"""Recovers the jobs of dead workers; the crash counts as an attempt.

A worker is gone when its heartbeat is stale and it has no database connection. It has stalled when its
heartbeat is very old but connections remain; these are terminated, which fences off its open
transactions. Heartbeats are compared with PostgreSQL's clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from kontor.kernel.database import PgConnection

log = structlog.get_logger(__name__)

GONE_SECONDS = 2.0
STALLED_SECONDS = 10.0
APPLICATION_PREFIX = "kontor-worker:"
SUSPECTS = """
SELECT w.id, extract(epoch FROM clock_timestamp() - w.heartbeat_at)::float,
    array(SELECT a.pid FROM pg_stat_activity a WHERE a.application_name = %s || w.id)
FROM worker_processes w WHERE w.heartbeat_at < clock_timestamp() - make_interval(secs => %s)
"""
END_BACKENDS = "SELECT pg_terminate_backend(pid, 1000) FROM unnest(%s::int[]) AS pid"
REMOVE = "DELETE FROM worker_processes WHERE id = %s"
ORPHANS = """
SELECT j.id FROM jobs j WHERE j.state = 'running'
    AND NOT EXISTS (SELECT 1 FROM worker_processes w WHERE w.id = j.worker)
"""
REQUEUE = """
WITH gone AS (
    SELECT id, attempt, worker, started_at FROM jobs
    WHERE id = ANY(%(ids)s::uuid[]) AND state = %(state)s ORDER BY id FOR UPDATE SKIP LOCKED
), written AS (
    INSERT INTO job_attempts (job_id, number, worker, started_at, ended_at, outcome, error)
    SELECT id, attempt + %(increment)s, coalesce(worker, %(worker)s), started_at, %(now)s, 'crashed',
        '{"type": "Crash", "message": "the worker process died or lost its lease", "traceback": ""}'::jsonb
    FROM gone
), freed AS (
    UPDATE lanes SET busy_with = NULL WHERE busy_with IN (SELECT id FROM gone)
)
UPDATE jobs SET state = 'queued', attempt = jobs.attempt + %(increment)s, crashes = crashes + 1,
    lease = NULL, worker = NULL, started_at = NULL, reason = coalesce(%(reason)s, jobs.reason)
FROM gone WHERE jobs.id = gone.id
RETURNING jobs.id, jobs.task, jobs.tenant, jobs.attempt, jobs.trace_id, gone.worker
"""


@dataclass(frozen=True, slots=True)
class StaleWorker:
    """A worker with a stale heartbeat: its age in seconds, and the pids of the worker's backends."""

    worker: str
    age: float
    backends: tuple[int, ...]

    @property
    def gone(self) -> bool:
        """Whether the process has no connection left."""
        return not self.backends

    @property
    def stalled(self) -> bool:
        """Whether the heartbeat is so old that the worker loses its leases."""
        return self.age > STALLED_SECONDS


def stale_workers(connection: PgConnection) -> list[StaleWorker]:
    """Return the workers with a stale heartbeat."""
    rows = connection.execute(SUSPECTS, (APPLICATION_PREFIX, GONE_SECONDS)).fetchall()
    return [StaleWorker(worker, age, tuple(pids)) for worker, age, pids in rows]


def terminate(connection: PgConnection, stale: StaleWorker) -> None:
    """Terminate a worker's connections, which rolls back its open transactions."""
    if stale.backends:
        connection.execute(END_BACKENDS, (list(stale.backends),))


def deregister(connection: PgConnection, worker: str) -> None:
    """Delete a worker's registration, which ends the leases of its running jobs."""
    connection.execute(REMOVE, (worker,))


def orphans(connection: PgConnection) -> list[UUID]:
    """Return the running jobs whose worker is no longer registered."""
    return [row[0] for row in connection.execute(ORPHANS).fetchall()]


def requeue_running(connection: PgConnection, ids: Sequence[UUID], now: datetime) -> int:
    """Requeue external jobs whose worker died during `act`; the crash counts as an attempt."""
    params = {"ids": list(ids), "state": "running", "increment": 0, "worker": None, "now": now, "reason": "crashed"}
    return _requeue(connection, params)


def count_crash(connection: PgConnection, ids: Sequence[UUID], worker: str, now: datetime) -> int:
    """Count a crash of queued jobs that a dead worker had picked up: they had no external effect yet."""
    params = {"ids": list(ids), "state": "queued", "increment": 1, "worker": worker, "now": now, "reason": None}
    return _requeue(connection, params)


def _requeue(connection: PgConnection, params: Mapping[str, object]) -> int:
    crashed = connection.execute(REQUEUE, params).fetchall()
    for job_id, task, tenant, attempt, trace, worker in crashed:
        log.warning(
            "job.crashed", job=str(job_id), task=task, attempt=attempt, tenant=tenant, trace=trace,
            died=worker or params["worker"],
        )  # fmt: skip
    return len(crashed)
