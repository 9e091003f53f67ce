"""The SQL of a job's life, at driver level, inside whatever transaction the connection is in."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from engine.enqueue import committed

Driver = Connection[Any]

ROW = (
    "id, task, tenant, lane, payload, payload_version, attempt, max_attempts, crashes, reason, trace_id,"
    " cancel_requested, run_at"
)
# A claim of one job is the price of a job that shares no commit: `id = %s` costs PostgreSQL and the driver
# half of what `= ANY` does, the completion of one needs no join with its result, and to ask for its own queue costs
# half of hashing the names of those that are paused. For a batch it is the other way round.
# lower() and IS NOT TRUE keep the planner off the partial pick index: a queue that swings from nothing to
# 100,000 rows has stale statistics, and a scan of that index for every claim costs a hundred times the claim.
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
START = """
UPDATE jobs SET state = 'running', attempt = attempt + 1, lease = %s, worker = %s, started_at = %s
WHERE id = ANY(%s::uuid[])
"""
FENCE = "SELECT id FROM jobs WHERE id = ANY(%s::uuid[]) AND lease = %s ORDER BY id FOR UPDATE"
_FINISHED = f"""
INSERT INTO jobs_archive ({_CARRIED}, state, attempt, worker, reason, started_at, finished_at, result)
SELECT {_CARRIED}, %(state)s, attempt + %(burn)s, %(worker)s, %(reason)s, coalesce(%(started)s, started_at),
    %(finished)s"""
_GONE = f"RETURNING {_CARRIED}, attempt, started_at"
ARCHIVE_ONE = f"""
WITH done AS (DELETE FROM jobs WHERE id = %(id)s {_GONE}) {_FINISHED}, %(result)s::jsonb FROM done
"""  # noqa: S608 -- constants
ARCHIVE = f"""
WITH done AS (DELETE FROM jobs WHERE id = ANY(%(ids)s::uuid[]) {_GONE}) {_FINISHED}, NULL FROM done
"""  # noqa: S608 -- constants
ARCHIVE_RESULTS = f"""
WITH done AS (DELETE FROM jobs WHERE id = ANY(%(ids)s::uuid[]) {_GONE}) {_FINISHED}, outcome
FROM done LEFT JOIN unnest(%(ids)s::uuid[], %(results)s::jsonb[]) AS o (done_id, outcome) ON id = done_id
"""  # noqa: S608 -- constants
RESCHEDULE = """
UPDATE jobs SET state = CASE WHEN cancel_requested THEN 'queued' ELSE %s END, run_at = %s, attempt = %s,
    lease = NULL, worker = NULL, error = %s, fingerprint = %s, reason = NULL,
    held = %s AND NOT cancel_requested, started_at = NULL
WHERE id = %s
"""
BURY = """
UPDATE jobs SET state = 'dead', attempt = %s, lease = NULL, error = %s, fingerprint = %s, reason = %s,
    finished_at = %s, held = false
WHERE id = %s
"""
ATTEMPT = """
INSERT INTO job_attempts (job_id, number, worker, started_at, ended_at, outcome, error)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""


class JobRow(NamedTuple):
    """What a runner needs of a job. A tuple, since a frozen dataclass takes six times as long to make."""

    id: UUID
    task: str
    tenant: str
    lane: str | None
    payload: dict[str, Any]
    payload_version: int
    attempt: int
    max_attempts: int
    crashes: int
    reason: str | None
    trace_id: str | None
    cancel_requested: bool
    run_at: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt that did not end the job well, as it is written down."""

    job_id: UUID
    number: int
    worker: str | None
    started_at: datetime | None
    ended_at: datetime
    outcome: str
    error: dict[str, str] | None = None


def as_rows(cursor: object) -> Callable[[Sequence[Any]], JobRow]:
    """Columns by place: naming them costs a claim a quarter of its time."""
    return JobRow._make


def begin_queued(driver: Driver, ids: Sequence[UUID]) -> list[JobRow]:
    """BEGIN, and lock those of the jobs that wait in an open queue and that nobody else holds."""
    driver.execute("BEGIN")
    cursor = driver.cursor(row_factory=as_rows)
    if len(ids) == 1:
        return cursor.execute(LOCK_ONE, (ids[0],)).fetchall()
    return cursor.execute(LOCK, (list(ids),)).fetchall()


@contextmanager
def committing(driver: Driver, session: Session) -> Iterator[None]:
    """COMMIT after what the block executes, then ring. The session is left as it is: its own commit costs 60 us."""
    yield
    driver.execute("COMMIT")
    committed(session)


def start(driver: Driver, ids: Sequence[UUID], lease: UUID, worker: str, now: datetime) -> None:
    """Mark locked jobs as running under a lease: the fence of the record that follows."""
    driver.execute(START, (lease, worker, now, list(ids)))


def begin_fenced(driver: Driver, ids: Sequence[UUID], lease: UUID) -> set[UUID]:
    """BEGIN, and lock those of the jobs that still run under this lease."""
    driver.execute("BEGIN")
    return {row[0] for row in driver.execute(FENCE, (list(ids), lease)).fetchall()}


def archive(
    driver: Driver,
    results: Sequence[tuple[UUID, Any]],
    *,
    state: str = "succeeded",
    reason: str | None = None,
    burn: int,
    worker: str | None,
    started: datetime | None,
    finished: datetime,
) -> None:
    """Move finished jobs out of the hot table. `burn` is added to the attempt count."""
    given: dict[str, Any] = {
        "state": state,
        "reason": reason,
        "burn": burn,
        "worker": worker,
        "started": started,
        "finished": finished,
    }
    if len(results) == 1:
        given["id"] = results[0][0]
        given["result"] = None if results[0][1] is None else Jsonb(results[0][1])
        driver.execute(ARCHIVE_ONE, given)
        return
    given["ids"] = [job_id for job_id, _ in results]
    if all(result is None for _, result in results):
        driver.execute(ARCHIVE, given)
        return
    given["results"] = [None if result is None else Jsonb(result) for _, result in results]
    driver.execute(ARCHIVE_RESULTS, given)


def reschedule(
    driver: Driver,
    job_id: UUID,
    state: str,
    run_at: datetime,
    attempt: int,
    *,
    error: dict[str, str] | None = None,
    fingerprint: str | None = None,
    held: bool = False,
) -> None:
    """Put a job back to wait: `retrying`, `scheduled` or (held by its lane) `queued`.

    One that was asked to stop waits for nothing: it is queued, to be cancelled by its next claim.
    """
    body = None if error is None else Jsonb(error)
    driver.execute(RESCHEDULE, (state, run_at, attempt, body, fingerprint, held, job_id))


def bury(
    driver: Driver,
    job_id: UUID,
    attempt: int,
    reason: str,
    now: datetime,
    error: dict[str, str] | None,
    fingerprint: str | None,
) -> None:
    """Make a job dead, to wait for a person."""
    body = None if error is None else Jsonb(error)
    driver.execute(BURY, (attempt, body, fingerprint, reason, now, job_id))


def write_attempt(driver: Driver, ended: Ended) -> None:
    """Write down an attempt that did not end the job well."""
    error = None if ended.error is None else Jsonb(ended.error)
    driver.execute(
        ATTEMPT,
        (ended.job_id, ended.number, ended.worker, ended.started_at, ended.ended_at, ended.outcome, error),
    )
