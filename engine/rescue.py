"""Work of dead workers runs again, with the crash written down as an attempt.

A worker is gone when its heartbeat is stale and it has no connection left; it has stalled when its
heartbeat is very old though connections remain: then those are ended, which is the fence of its open
transactions. Heartbeats are compared with PostgreSQL's own clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from engine.ledger import Driver

log = structlog.get_logger(__name__)

GONE_SECONDS = 2.0
STALLED_SECONDS = 10.0
APPLICATION = "kontor-worker:"
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
    SELECT id, attempt + %(burn)s, coalesce(worker, %(worker)s), started_at, %(now)s, 'crashed',
        '{"type": "Crash", "message": "the worker process died or lost its lease", "traceback": ""}'::jsonb
    FROM gone
), freed AS (
    UPDATE lanes SET busy_with = NULL WHERE busy_with IN (SELECT id FROM gone)
)
UPDATE jobs SET state = 'queued', attempt = jobs.attempt + %(burn)s, crashes = crashes + 1,
    lease = NULL, worker = NULL, started_at = NULL, reason = coalesce(%(reason)s, jobs.reason)
FROM gone WHERE jobs.id = gone.id
RETURNING jobs.id, jobs.task, jobs.tenant, jobs.attempt, jobs.trace_id, gone.worker
"""


@dataclass(frozen=True, slots=True)
class Stale:
    """A worker without a fresh heartbeat: seconds since the last one, and its backends' pids."""

    worker: str
    age: float
    backends: tuple[int, ...]

    @property
    def gone(self) -> bool:
        """Whether no connection of the process is left."""
        return not self.backends

    @property
    def stalled(self) -> bool:
        """Whether it was silent for so long that its lease is lost."""
        return self.age > STALLED_SECONDS


def stale_workers(driver: Driver) -> list[Stale]:
    """Workers whose heartbeat is stale."""
    rows = driver.execute(SUSPECTS, (APPLICATION, GONE_SECONDS)).fetchall()
    return [Stale(worker, age, tuple(pids)) for worker, age, pids in rows]


def cut_off(driver: Driver, stale: Stale) -> None:
    """End a worker's connections: whatever transactions it has open are rolled back."""
    if stale.backends:
        driver.execute(END_BACKENDS, (list(stale.backends),))


def strike_off(driver: Driver, worker: str) -> None:
    """End a worker's registration, and with it the leases of its running jobs."""
    driver.execute(REMOVE, (worker,))


def orphans(driver: Driver) -> list[UUID]:
    """Running jobs whose worker is registered no more."""
    return [row[0] for row in driver.execute(ORPHANS).fetchall()]


def requeue_running(driver: Driver, ids: Sequence[UUID], now: datetime) -> int:
    """External jobs whose worker died in the act: queued again, the crash being an attempt."""
    given = {"ids": list(ids), "state": "running", "burn": 0, "worker": None, "now": now, "reason": "crashed"}
    return _requeue(driver, given)


def blame(driver: Driver, ids: Sequence[UUID], worker: str, now: datetime) -> int:
    """Jobs in hand when their worker died that had no effect outside yet: still queued, now suspects."""
    given = {"ids": list(ids), "state": "queued", "burn": 1, "worker": worker, "now": now, "reason": None}
    return _requeue(driver, given)


def _requeue(driver: Driver, given: dict[str, Any]) -> int:
    crashed = driver.execute(REQUEUE, given).fetchall()
    for job_id, task, tenant, attempt, trace, worker in crashed:
        log.warning(
            "job.crashed", job=str(job_id), task=task, attempt=attempt, tenant=tenant, trace=trace,
            died=worker or given["worker"],
        )  # fmt: skip
    return len(crashed)
