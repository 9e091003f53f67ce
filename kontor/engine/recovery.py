"""Recovers the jobs of dead workers, and what a living worker's beats say that it does not hold.

The crash counts as an attempt.

A worker is gone when its heartbeat is stale and it has no database connection. It has stopped when its heartbeat
is stale and it leaves a transaction idle, at two looks in a row. It has stalled when its heartbeat is very old but
connections remain. Connections are terminated, which fences off open transactions. Heartbeats are compared with
PostgreSQL's clock.

A beat names the leases and doorbells that its worker holds. What is missing in a beat counts as lost when it is still
missing two beats later: the second of these was composed after the first sight, whatever the clocks say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog

from kontor.engine import lanes
from kontor.kernel.database import PgConnection
from kontor.kernel.doorbells import Doorbell, DoorbellChannel

log = structlog.get_logger(__name__)

GONE_SECONDS = 2.0
STOPPED_SECONDS = 2.5
STALLED_SECONDS = 10.0
GRACE_SECONDS = 1.5
OUTAGE_GRACE_SECONDS = 10.0
BEATS_TO_BE_SURE = 2
APPLICATION_PREFIX = "kontor-worker:"
# Another database of the server may have a worker of the same name.
SUSPECTS = """
WITH of_workers AS (SELECT * FROM pg_stat_activity WHERE datname = current_database())
SELECT w.id, extract(epoch FROM clock_timestamp() - w.heartbeat_at)::float,
    array(SELECT a.pid FROM of_workers a WHERE a.application_name = %(prefix)s || w.id),
    EXISTS (SELECT FROM of_workers a WHERE a.application_name = %(prefix)s || w.id
        AND a.state = 'idle in transaction' AND a.state_change < clock_timestamp() - make_interval(secs => %(gone)s))
FROM worker_processes w WHERE w.heartbeat_at < clock_timestamp() - make_interval(secs => %(gone)s)
"""
SERVER_AGE = "SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float"
WORKERS = "SELECT id FROM worker_processes"
BEATS = "SELECT id, beats, bells FROM worker_processes"
# One statement, one snapshot: a record that a beat followed is seen with it.
UNHELD = """
SELECT j.id, j.lease, w.beats FROM jobs j JOIN worker_processes w ON w.id = j.worker
WHERE j.state = 'running' AND NOT j.lease = ANY(w.leases)
"""
LEASE_SECONDS = 60
"""How long the lease of an attempt outside lasts from its last heartbeat (kontor/engine/outside.py)."""
EXPIRED = """
SELECT j.id, j.lease FROM job_leases l JOIN jobs j ON j.id = l.job_id AND j.lease = l.lease
WHERE l.ended_at IS NULL AND j.state = 'running' AND strpos(j.worker, ':') > 0
    AND (l.beat_at < clock_timestamp() - make_interval(secs => %s) OR l.ends_at < clock_timestamp())
LIMIT 1000
"""
END_BACKENDS = "SELECT pg_terminate_backend(pid, 1000) FROM unnest(%s::int[]) AS pid"
REMOVE = "DELETE FROM worker_processes WHERE id = %s"
ORPHANS = """
SELECT j.id FROM jobs j WHERE j.state = 'running' AND strpos(j.worker, ':') = 0
    AND NOT EXISTS (SELECT 1 FROM worker_processes w WHERE w.id = j.worker)
"""
REQUEUE = """
WITH gone AS (
    SELECT id, attempt, worker, started_at FROM jobs
    WHERE id = ANY(%(ids)s::uuid[]) AND state = %(state)s
        AND (%(leases)s::uuid[] IS NULL OR lease = ANY(%(leases)s::uuid[])) ORDER BY id FOR UPDATE SKIP LOCKED
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
FIRST_QUEUED = """
SELECT id FROM jobs JOIN unnest(%(ids)s::uuid[]) WITH ORDINALITY AS bell (job, place) ON id = job
WHERE state = 'queued' AND NOT EXISTS (
    SELECT 1 FROM jobs r WHERE r.id = ANY(%(ids)s::uuid[]) AND r.state = 'running' AND r.worker = %(worker)s)
ORDER BY place LIMIT 1
"""
_RUNNING: Mapping[str, object] = {"state": "running", "increment": 0, "worker": None, "reason": "crashed"}


@dataclass(frozen=True, slots=True)
class StaleWorker:
    """A worker with a stale heartbeat: its age in seconds, the pids of the worker's backends.

    `waited_for`: a transaction of its is idle and keeps the rows of transactional jobs locked.
    """

    worker: str
    age: float
    backends: tuple[int, ...]
    waited_for: bool

    @property
    def gone(self) -> bool:
        """Whether the process has no connection left."""
        return not self.backends

    @property
    def stopped(self) -> bool:
        """Whether the process seems to stand still in the middle of a transaction."""
        return self.waited_for and self.age > STOPPED_SECONDS

    @property
    def stalled(self) -> bool:
        """Whether the heartbeat is so old that the worker loses its leases."""
        return self.age > STALLED_SECONDS


def stale_workers(connection: PgConnection) -> list[StaleWorker]:
    """Return the workers with a stale heartbeat."""
    rows = connection.execute(SUSPECTS, {"prefix": APPLICATION_PREFIX, "gone": GONE_SECONDS}).fetchall()
    return [StaleWorker(worker, age, tuple(pids), waited_for) for worker, age, pids, waited_for in rows]


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


def expired(connection: PgConnection) -> list[tuple[UUID, UUID]]:
    """Return (job, lease) of attempts outside without a heartbeat for 60 s, or over their time limit."""
    return [(row[0], row[1]) for row in connection.execute(EXPIRED, (LEASE_SECONDS,)).fetchall()]


def requeue_running(connection: PgConnection, ids: Sequence[UUID], now: datetime) -> int:
    """Requeue external jobs whose worker died during `act`; the crash counts as an attempt."""
    return _requeue(connection, {**_RUNNING, "ids": list(ids), "now": now, "leases": None})


def requeue_unheld(connection: PgConnection, unheld: Sequence[tuple[UUID, UUID]], now: datetime) -> int:
    """Requeue external jobs, given as (job, lease), that nobody will record: they may have acted, so it is a crash."""
    if not unheld:
        return 0
    ids, leases = [job for job, _ in unheld], [lease for _, lease in unheld]
    return _requeue(connection, {**_RUNNING, "ids": ids, "now": now, "leases": leases})


def suspects(connection: PgConnection, bell: Doorbell, worker: str, *, one_by_one: bool) -> Sequence[UUID]:
    """Return the queued jobs of a dead worker's doorbell that it may have died of.

    A thread begins the jobs of an external doorbell in turn: the one it was acting on is `running`, and if there is
    none, only the first that is still queued can have been begun.
    """
    if not one_by_one:
        return bell.ids
    ids = list(bell.ids)
    return [row[0] for row in connection.execute(FIRST_QUEUED, {"ids": ids, "worker": worker}).fetchall()]


def count_crash(connection: PgConnection, ids: Sequence[UUID], worker: str, now: datetime) -> int:
    """Count a crash of queued jobs that a dead worker had picked up: they had no external effect yet."""
    params = {
        "ids": list(ids), "state": "queued", "increment": 1, "worker": worker, "now": now, "reason": None,
        "leases": None,
    }  # fmt: skip
    return _requeue(connection, params)


def _requeue(connection: PgConnection, params: Mapping[str, object]) -> int:
    crashed = connection.execute(REQUEUE, params).fetchall()
    for job_id, task, tenant, attempt, trace, worker in crashed:
        log.warning(
            "job.crashed", job=str(job_id), task=task, attempt=attempt, tenant=tenant, trace=trace,
            died=worker or params["worker"],
        )  # fmt: skip
    return len(crashed)


def grace_seconds(connection: PgConnection, *, after_outage: bool) -> float:
    """Return how long a relay that begins strikes no worker off: it may have been away together with the workers."""
    if after_outage:
        return OUTAGE_GRACE_SECONDS
    row = connection.execute(SERVER_AGE).fetchone()
    assert row is not None
    return float(max(GRACE_SECONDS, OUTAGE_GRACE_SECONDS - row[0]))


@dataclass(slots=True)
class Comparison:
    """The relay's memory of what it missed in the workers' beats, and when: by the beats' numbers, never by a clock."""

    connection: PgConnection
    bells: DoorbellChannel
    unheld: dict[tuple[UUID, UUID], int] = field(default_factory=dict)
    missing: dict[str, Mapping[str, int]] = field(default_factory=dict)
    lane_cursor: str = ""
    stopped: frozenset[str] = frozenset()

    def cut_off(self) -> list[str]:
        """Terminate the connections of the workers that are gone, stopped or stalled; return these workers."""
        stale = stale_workers(self.connection)
        before, self.stopped = self.stopped, frozenset(each.worker for each in stale if each.stopped)
        dead = [each for each in stale if each.gone or each.stalled or each.worker in before & self.stopped]
        for each in dead:
            terminate(self.connection, each)
        return [each.worker for each in dead]

    def unheld_jobs(self) -> list[tuple[UUID, UUID]]:
        """Return (job, lease) of running jobs whose registered worker does not hold their lease."""
        rows = self.connection.execute(UNHELD).fetchall()
        self.unheld = {(job, lease): self.unheld.get((job, lease), beats) for job, lease, beats in rows}
        return [(job, lease) for job, lease, beats in rows if _is_sure(self.unheld[job, lease], beats)]

    def lost_bells(self, overdue: Sequence[Doorbell]) -> list[Doorbell]:
        """Return those that lie in no queue and with no worker, and remove them from the workers' lists.

        Workers of a release whose beats name no doorbells have what their list in the broker says. Raises
        DoorbellUnavailable.
        """
        if not overdue:
            self.missing = {}
            return []
        beats = self.connection.execute(BEATS).fetchall()
        counted = {worker: number for worker, number, taken in beats if taken is not None}
        silent = [worker for worker, _, taken in beats if taken is None]
        held = {bell_id for _, _, taken in beats for bell_id in taken or ()}
        suspects = [bell for bell in overdue if bell.id not in held]
        waiting = {queue: self.bells.waiting(queue, silent) for queue in {bell.queue for bell in suspects}}
        suspects = [bell for bell in suspects if bell.id not in waiting[bell.queue]]
        before, self.missing = self.missing, {bell.id: self.missing.get(bell.id, counted) for bell in suspects}
        lost = [bell for bell in suspects if bell.id in before and self._no_worker_has(bell, counted)]
        for bell in lost:
            log.warning("doorbell.lost", bell=bell.id, task=bell.task, jobs=len(bell.ids))
            self.bells.discard(bell, list(counted))
        return lost

    def _no_worker_has(self, bell: Doorbell, beats: Mapping[str, int]) -> bool:
        first = self.missing[bell.id]
        return all(_is_sure(first[worker], number) for worker, number in beats.items() if worker in first)

    def bells_of_strangers(self) -> list[Doorbell]:
        """Remove and return bells in the lists of workers that are not registered. Raises DoorbellUnavailable."""
        holders = self.bells.holders()
        if not holders:
            return []
        registered = {row[0] for row in self.connection.execute(WORKERS).fetchall()}
        return [bell for worker in sorted(holders - registered) for bell in self.bells.reclaim(worker)]

    def release_stuck_lanes(self) -> bool:
        """Release the next job of lanes that have no turn, some lanes at a time; whether there was any."""
        self.lane_cursor, stuck = lanes.look_at_held(self.connection, self.lane_cursor)
        released = lanes.release_stuck(self.connection, stuck) if stuck else []
        for name in released:
            log.warning("lane.released", lane=name)
        return bool(released)


def _is_sure(first_sight: int, beats: int) -> bool:
    return beats >= first_sight + BEATS_TO_BE_SURE
