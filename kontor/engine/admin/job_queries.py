"""Queries of jobs and attempts. Unfinished, dead and archived jobs have one shape."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row
from pydantic import JsonValue

from kontor.engine.admin.job_filter import JobFilter, conditions, tables
from kontor.kernel.database import PgConnection
from kontor.kernel.states import JobState

COLUMNS = (
    "id, task, queue, tenant, lane, priority, state, payload, unique_key, run_at, attempt, max_attempts,"
    " worker, result, error, reason, parent_id, trace_id, created_at, started_at, finished_at"
)
ONE = f"SELECT {COLUMNS} FROM jobs WHERE id = %(id)s UNION ALL SELECT {COLUMNS} FROM jobs_archive WHERE id = %(id)s"  # noqa: S608 -- constants
MOST_BYTES = 4096
"""The size to which args, result and error of a job in a list are cut, each, as JSON in UTF-8."""
MEMBER_CHARACTERS = 400
# Cut in SQL, so that the web process never holds what it does not show. Very large values are not read to see that.
_LARGE = (
    "({0} IS NOT NULL AND CASE WHEN pg_column_size({0}) > 16 * {most} THEN true"
    " ELSE octet_length({0}::text) > {most} END)"
)
_CUT_ARGS = f"""
CASE WHEN {_LARGE.format("payload", most=MOST_BYTES)} THEN (
    SELECT coalesce(jsonb_object_agg(key, member), '{{}}') FROM (
        SELECT key, member, sum(octet_length(to_jsonb(key)::text) + octet_length(member::text) + 4)
            OVER (ORDER BY octet_length(member::text), key) AS size
        FROM (SELECT key, CASE WHEN length(value::text) > {MEMBER_CHARACTERS}
            THEN to_jsonb(left(value #>> '{{}}', {MEMBER_CHARACTERS}) || '…') ELSE value END AS member
            FROM jsonb_each(payload)) AS members
    ) AS sized WHERE size <= {MOST_BYTES} - 2
) ELSE payload END AS payload, {_LARGE.format("payload", most=MOST_BYTES)} AS args_truncated
"""  # noqa: S608 -- constants
_CUT_RESULT = f"""
CASE WHEN {_LARGE.format("result", most=MOST_BYTES)} THEN to_jsonb(left(result::text, 1000) || '…') ELSE result END
    AS result, {_LARGE.format("result", most=MOST_BYTES)} AS result_truncated
"""
_CUT_ERROR = f"""
CASE WHEN {_LARGE.format("error", most=MOST_BYTES)} THEN error || jsonb_build_object(
    'message', left(error ->> 'message', 500), 'traceback', '…' || right(error ->> 'traceback', 500)) ELSE error END
    AS error
"""
_CUT = {"payload": _CUT_ARGS, "result": _CUT_RESULT, "error": _CUT_ERROR}
LISTED = ", ".join(_CUT.get(name, name) for name in COLUMNS.split(", "))
ONE_LISTED = f"SELECT {LISTED} FROM ({ONE}) AS job"  # noqa: S608 -- constants
_ATTEMPTS = """
SELECT job_id, number, worker, started_at, ended_at, outcome, {error} FROM job_attempts
WHERE job_id = ANY(%s::uuid[]) ORDER BY job_id, seq
"""
ATTEMPTS = _ATTEMPTS.format(error="error")
LISTED_ATTEMPTS = _ATTEMPTS.format(error=_CUT_ERROR)
OPEN = "SELECT id FROM jobs WHERE id = ANY(%s::uuid[]) AND state <> 'dead'"
RIVAL = """
SELECT id FROM jobs
WHERE tenant = %s AND task = %s AND unique_key = %s AND unique_key IS NOT NULL AND state <> 'dead' AND id <> %s
"""


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job of either table. In a list its args, result and error are cut at 4 KiB each."""

    id: UUID
    task: str
    queue: str
    tenant: str
    lane: str | None
    priority: int
    state: str
    payload: dict[str, JsonValue]
    unique_key: str | None
    run_at: datetime
    attempt: int
    max_attempts: int
    worker: str | None
    result: JsonValue
    error: dict[str, str] | None
    reason: str | None
    parent_id: UUID | None
    trace_id: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    args_truncated: bool = False
    result_truncated: bool = False


class AttemptRecord(NamedTuple):
    """One attempt; `outcome` is None while it runs."""

    number: int
    worker: str | None
    started_at: datetime | None
    ended_at: datetime | None
    outcome: str | None
    error: dict[str, str] | None


def find(connection: PgConnection, job_id: UUID, *, listed: bool = False) -> JobRecord | None:
    """Return the job with an id, whole or as `listed`."""
    with connection.cursor(row_factory=class_row(JobRecord)) as cursor:
        return cursor.execute(ONE_LISTED if listed else ONE, {"id": job_id}).fetchone()


def attempts_of(
    connection: PgConnection, jobs: Sequence[JobRecord], *, listed: bool = False
) -> dict[UUID, list[AttemptRecord]]:
    """Return each job's attempts in order; a successful or running one is built from the job itself.

    `listed`: errors are cut as in a list.
    """
    attempts: dict[UUID, list[AttemptRecord]] = defaultdict(list)
    queried = [job.id for job in jobs if job.attempt > 1 or job.state != JobState.SUCCEEDED]
    statement = LISTED_ATTEMPTS if listed else ATTEMPTS
    for job_id, *rest in connection.execute(statement, (queried,)).fetchall() if queried else ():
        attempts[job_id].append(AttemptRecord(*rest))
    for job in jobs:
        latest = _latest_attempt(job)
        if latest is not None:
            attempts[job.id].append(latest)
    return attempts


def unique_key_holder(connection: PgConnection, job: JobRecord) -> UUID | None:
    """Return the unfinished job that holds this job's unique_key."""
    row = connection.execute(RIVAL, (job.tenant, job.task, job.unique_key, job.id)).fetchone()
    return None if row is None else row[0]


def unfinished(connection: PgConnection, job_ids: Collection[UUID]) -> set[UUID]:
    """Return the ids of the jobs that are not finished."""
    return {row[0] for row in connection.execute(OPEN, (list(job_ids),)).fetchall()}


def newest_jobs(connection: PgConnection, job_filter: JobFilter, limit: int) -> list[JobRecord]:
    """Return matching jobs by descending id, as listed. Raises psycopg.errors.QueryCanceled on a statement timeout."""
    where, values = conditions(job_filter)
    parts = [
        f"(SELECT {COLUMNS} FROM {table} WHERE {where} ORDER BY id DESC LIMIT %(limit)s)"  # noqa: S608 -- constants
        for table in tables(job_filter)
    ]
    merged = " UNION ALL ".join(parts)
    newest = f"SELECT * FROM ({merged}) AS matches ORDER BY id DESC LIMIT %(limit)s"  # noqa: S608 -- constants
    statement = f"SELECT {LISTED} FROM ({newest}) AS newest ORDER BY id DESC"  # noqa: S608 -- constants
    with connection.cursor(row_factory=class_row(JobRecord)) as cursor:
        return cursor.execute(statement, {**values, "limit": limit}, prepare=False).fetchall()


def count_by_task_and_tenant(connection: PgConnection, job_filter: JobFilter) -> list[tuple[str, str, int]]:
    """Return (task, tenant, count) of matching jobs, largest count first, at most 1,000 rows."""
    where, values = conditions(job_filter)
    parts = [f"SELECT task, tenant FROM {table} WHERE {where}" for table in tables(job_filter)]  # noqa: S608 -- constants
    merged = " UNION ALL ".join(parts)
    statement = f"SELECT task, tenant, count(*) FROM ({merged}) AS matches GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 1000"  # noqa: S608 -- constants
    return connection.execute(statement, values, prepare=False).fetchall()


def _latest_attempt(job: JobRecord) -> AttemptRecord | None:
    if job.state == JobState.SUCCEEDED:
        return AttemptRecord(job.attempt, job.worker, job.started_at, job.finished_at, "succeeded", None)
    if job.state == JobState.RUNNING:
        return AttemptRecord(job.attempt, job.worker, job.started_at, None, None, None)
    return None
