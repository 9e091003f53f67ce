"""The SQL of a job's life cycle, on psycopg, inside the connection's current transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb
from pydantic import JsonValue

from kontor.kernel.database import PgConnection

ROW = (
    "id, task, tenant, lane, payload, payload_version, attempt, max_attempts, crashes, reason, trace_id,"
    " cancel_requested OR EXISTS (SELECT FROM cancel_requests AS c WHERE c.job_id = jobs.id) AS cancel_requested,"
    " run_at"
)
# Single jobs have statements of their own: `id = %s` costs PostgreSQL and psycopg half as much as `= ANY`, the
# completion needs no join with the results, and looking up one queue costs half as much as hashing the names of
# all paused ones. For a batch the opposite holds.
# lower() and IS NOT TRUE keep the planner off the partial pick index: a queue that grows from nothing to 100,000
# rows has stale statistics, and scanning that index for every claim costs a hundred times as much as the claim.
_WAITS = "lower(state) = 'queued' AND held IS NOT TRUE"
_OPEN = f"{_WAITS} AND queue NOT IN (SELECT name FROM queues WHERE paused)"  # noqa: S608 -- constants
_OPEN_ONE = f"{_WAITS} AND (SELECT q.paused FROM queues q WHERE q.name = jobs.queue) IS NOT TRUE"  # noqa: S608 -- constants
_CARRIED = (
    "id, task, queue, tenant, lane, priority, payload, payload_version, unique_key, once_key, run_at,"
    " max_attempts, crashes, lease, parent_id, trace_id, created_at"
)

LOCK = f"""
SELECT {ROW} FROM jobs WHERE id = ANY(%s::uuid[]) AND {_OPEN} ORDER BY id FOR UPDATE SKIP LOCKED
"""  # noqa: S608 -- constants
LOCK_ONE = f"SELECT {ROW} FROM jobs WHERE id = %s AND {_OPEN_ONE} FOR UPDATE SKIP LOCKED"  # noqa: S608 -- constants
LOCK_TURNS = f"""
WITH held AS (
    SELECT id FROM jobs JOIN unnest($1, $2) AS held (job, its_lease) ON id = job AND lease = its_lease
    ORDER BY id FOR UPDATE OF jobs
), waiting AS (
    SELECT {ROW} FROM jobs WHERE id = ANY($3) AND {_OPEN} ORDER BY id FOR UPDATE SKIP LOCKED
)
SELECT id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM held
UNION ALL SELECT * FROM waiting
"""  # noqa: S608 -- constants
START = """
UPDATE jobs SET state = 'running', attempt = attempt + 1, worker = $1, started_at = $2, lease = claim.lease
FROM unnest($3, $4) AS claim (id, lease) WHERE jobs.id = claim.id"""
REGISTERED = " AND EXISTS (SELECT FROM worker_processes WHERE worker_processes.id = $1)"
RELEASE = """
WITH mine AS (
    SELECT id, attempt, started_at FROM jobs
    WHERE worker = %(worker)s AND state = 'running' AND lease = ANY(%(leases)s::uuid[]) ORDER BY id FOR UPDATE
), written AS (
    INSERT INTO job_attempts (job_id, number, worker, started_at, ended_at, outcome)
    SELECT id, attempt, %(worker)s, started_at, %(now)s, 'released' FROM mine
), freed AS (
    UPDATE lanes SET busy_with = NULL WHERE busy_with IN (SELECT id FROM mine)
)
UPDATE jobs SET state = 'queued', attempt = jobs.attempt - 1, lease = NULL, worker = NULL, started_at = NULL,
    reason = 'released'
FROM mine WHERE jobs.id = mine.id
RETURNING jobs.id
"""
_FINISHED = f"""
INSERT INTO jobs_archive ({_CARRIED}, state, attempt, worker, reason, started_at, finished_at, result)
SELECT {_CARRIED}, %(state)s, attempt + %(increment)s, %(worker)s, %(reason)s, coalesce(%(started)s, started_at),
    %(finished)s"""
_RETURNING = f"RETURNING {_CARRIED}, attempt, started_at"
ARCHIVE_ONE = f"""
WITH done AS (DELETE FROM jobs WHERE id = %(id)s {_RETURNING}) {_FINISHED}, %(result)s::jsonb FROM done
"""  # noqa: S608 -- constants
ARCHIVE = f"""
WITH done AS (DELETE FROM jobs WHERE id = ANY(%(ids)s::uuid[]) {_RETURNING}) {_FINISHED}, NULL FROM done
"""  # noqa: S608 -- constants
ARCHIVE_RESULTS = f"""
WITH done AS (DELETE FROM jobs WHERE id = ANY(%(ids)s::uuid[]) {_RETURNING}) {_FINISHED}, outcome
FROM done LEFT JOIN unnest(%(ids)s::uuid[], %(results)s::jsonb[]) AS o (done_id, outcome) ON id = done_id
"""  # noqa: S608 -- constants
RESCHEDULE = """
UPDATE jobs SET state = CASE WHEN cancel_requested THEN 'queued' ELSE %s END, run_at = %s, attempt = %s,
    lease = NULL, worker = NULL, error = %s, fingerprint = %s, reason = %s,
    held = %s AND NOT cancel_requested, started_at = NULL
WHERE id = %s
"""
BURY = """
UPDATE jobs SET state = 'dead', attempt = %s, lease = NULL, error = %s, fingerprint = %s, reason = %s,
    finished_at = %s, held = false, unsupported = false
WHERE id = %s
"""
ATTEMPT = """
INSERT INTO job_attempts (job_id, number, worker, started_at, ended_at, outcome, error)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""


class JobRow(NamedTuple):
    """The columns of a job that a runner needs. A tuple: creating a frozen dataclass takes six times as long."""

    id: UUID
    task: str
    tenant: str
    lane: str | None
    payload: dict[str, JsonValue]
    payload_version: int
    attempt: int
    max_attempts: int
    crashes: int
    reason: str | None
    trace_id: str | None
    cancel_requested: bool
    run_at: datetime


@dataclass(frozen=True, slots=True)
class UnsuccessfulAttempt:
    """An attempt that did not succeed, as stored in `job_attempts`."""

    job_id: UUID
    number: int
    worker: str | None
    started_at: datetime | None
    ended_at: datetime
    outcome: str
    error: dict[str, str] | None = None


def job_row_factory(cursor: object) -> Callable[[Sequence[object]], JobRow]:
    """A row factory by position: matching column names takes a quarter of a claim's time."""
    return JobRow._make


def begin_queued(connection: PgConnection, ids: Sequence[UUID]) -> list[JobRow]:
    """BEGIN; lock the jobs that wait in an open queue and are not locked by another transaction."""
    connection.execute("BEGIN")
    cursor = connection.cursor(row_factory=job_row_factory)
    if len(ids) == 1:
        return cursor.execute(LOCK_ONE, (ids[0],)).fetchall()
    return cursor.execute(LOCK, (list(ids),)).fetchall()


def release(connection: PgConnection, worker: str, leases: Sequence[UUID], now: datetime) -> list[UUID]:
    """Requeue jobs whose act a stopping worker leaves behind: the attempt does not count. Return their ids."""
    params = {"worker": worker, "leases": list(leases), "now": now}
    return [row[0] for row in connection.execute(RELEASE, params).fetchall()]


def archive(
    connection: PgConnection,
    results: Sequence[tuple[UUID, object]],
    *,
    state: str = "succeeded",
    reason: str | None = None,
    attempt_increment: int,
    worker: str | None,
    started: datetime | None,
    finished: datetime,
) -> None:
    """Move finished jobs out of the hot table. `burn` is added to the attempt count."""
    params: dict[str, object] = {
        "state": state,
        "reason": reason,
        "increment": attempt_increment,
        "worker": worker,
        "started": started,
        "finished": finished,
    }
    if len(results) == 1:
        params["id"] = results[0][0]
        params["result"] = None if results[0][1] is None else Jsonb(results[0][1])
        connection.execute(ARCHIVE_ONE, params)
        return
    params["ids"] = [job_id for job_id, _ in results]
    if all(result is None for _, result in results):
        connection.execute(ARCHIVE, params)
        return
    params["results"] = [None if result is None else Jsonb(result) for _, result in results]
    connection.execute(ARCHIVE_RESULTS, params)


def reschedule(
    connection: PgConnection,
    job_id: UUID,
    state: str,
    run_at: datetime,
    attempt: int,
    *,
    error: dict[str, str] | None = None,
    fingerprint: str | None = None,
    held: bool = False,
    reason: str | None = None,
) -> None:
    """Make a job wait again: `retrying`, `scheduled` or (held by its lane) `queued`.

    A job with a cancellation request is queued at once; its next claim cancels it.
    """
    error_json = None if error is None else Jsonb(error)
    connection.execute(RESCHEDULE, (state, run_at, attempt, error_json, fingerprint, reason, held, job_id))


def mark_dead(
    connection: PgConnection,
    job_id: UUID,
    attempt: int,
    reason: str,
    now: datetime,
    error: dict[str, str] | None,
    fingerprint: str | None,
) -> None:
    """Mark a job dead, until an operator acts."""
    error_json = None if error is None else Jsonb(error)
    connection.execute(BURY, (attempt, error_json, fingerprint, reason, now, job_id))


def store_attempt(connection: PgConnection, attempt: UnsuccessfulAttempt) -> None:
    """Store an attempt that did not succeed."""
    error_json = None if attempt.error is None else Jsonb(attempt.error)
    connection.execute(
        ATTEMPT,
        (
            attempt.job_id,
            attempt.number,
            attempt.worker,
            attempt.started_at,
            attempt.ended_at,
            attempt.outcome,
            error_json,
        ),
    )
