"""Queries of jobs and attempts. Unfinished, dead and archived jobs have one shape."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from psycopg.rows import class_row
from pydantic import JsonValue

from kontor.kernel.database import PgConnection
from kontor.kernel.states import JobState

HOT = "jobs"
COLD = "jobs_archive"
COLUMNS = (
    "id, task, queue, tenant, lane, priority, state, payload, unique_key, run_at, attempt, max_attempts,"
    " worker, result, error, reason, parent_id, trace_id, created_at, started_at, finished_at"
)
ONE = f"SELECT {COLUMNS} FROM jobs WHERE id = %(id)s UNION ALL SELECT {COLUMNS} FROM jobs_archive WHERE id = %(id)s"  # noqa: S608 -- constants
ATTEMPTS = """
SELECT job_id, number, worker, started_at, ended_at, outcome, error FROM job_attempts
WHERE job_id = ANY(%s::uuid[]) ORDER BY job_id, seq
"""
OPEN = "SELECT id FROM jobs WHERE id = ANY(%s::uuid[]) AND state <> 'dead'"
RIVAL = """
SELECT id FROM jobs
WHERE tenant = %s AND task = %s AND unique_key = %s AND unique_key IS NOT NULL AND state <> 'dead' AND id <> %s
"""
COLD_STATES = frozenset({JobState.SUCCEEDED, JobState.CANCELLED})


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job of either table."""

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


class AttemptRecord(NamedTuple):
    """One attempt; `outcome` is None while it runs."""

    number: int
    worker: str | None
    started_at: datetime | None
    ended_at: datetime | None
    outcome: str | None
    error: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class JobQuery:
    """A job filter; empty means any. `tenants` None means all tenants. `args` are compared as text.

    `error` matches a part of the error message, ignoring case; `fingerprint` groups similar errors.
    """

    states: frozenset[str] = frozenset()
    task: str | None = None
    queue: str | None = None
    tenants: tuple[str, ...] | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    args: tuple[tuple[str, str], ...] = field(default=())
    floor: UUID | None = None
    before: UUID | None = None
    fingerprint: str | None = None
    error: str | None = None


def find(connection: PgConnection, job_id: UUID) -> JobRecord | None:
    """Return the job with an id."""
    with connection.cursor(row_factory=class_row(JobRecord)) as cursor:
        return cursor.execute(ONE, {"id": job_id}).fetchone()


def attempts_of(connection: PgConnection, jobs: Sequence[JobRecord]) -> dict[UUID, list[AttemptRecord]]:
    """Return each job's attempts in order; a successful or running one is built from the job itself."""
    attempts: dict[UUID, list[AttemptRecord]] = defaultdict(list)
    queried = [job.id for job in jobs if job.attempt > 1 or job.state != JobState.SUCCEEDED]
    for job_id, *rest in connection.execute(ATTEMPTS, (queried,)).fetchall() if queried else ():
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


def newest_jobs(connection: PgConnection, query: JobQuery, limit: int) -> list[JobRecord]:
    """Return matching jobs by descending id. Raises psycopg.errors.QueryCanceled on a statement timeout."""
    where, values = conditions(query)
    parts = [
        f"(SELECT {COLUMNS} FROM {table} WHERE {where} ORDER BY id DESC LIMIT %(limit)s)"  # noqa: S608 -- constants
        for table in tables(query)
    ]
    merged = " UNION ALL ".join(parts)
    statement = f"SELECT * FROM ({merged}) AS matches ORDER BY id DESC LIMIT %(limit)s"  # noqa: S608 -- constants
    with connection.cursor(row_factory=class_row(JobRecord)) as cursor:
        return cursor.execute(statement, {**values, "limit": limit}, prepare=False).fetchall()


def count_by_task_and_tenant(connection: PgConnection, query: JobQuery) -> list[tuple[str, str, int]]:
    """Return (task, tenant, count) of matching jobs, largest count first, at most 1,000 rows."""
    where, values = conditions(query)
    parts = [f"SELECT task, tenant FROM {table} WHERE {where}" for table in tables(query)]  # noqa: S608 -- constants
    merged = " UNION ALL ".join(parts)
    statement = f"SELECT task, tenant, count(*) FROM ({merged}) AS matches GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 1000"  # noqa: S608 -- constants
    return connection.execute(statement, values, prepare=False).fetchall()


def tables(query: JobQuery) -> tuple[str, ...]:
    """Return the tables that hold jobs in the filter's states."""
    hot = not query.states or bool(query.states - COLD_STATES)
    cold = not query.states or bool(query.states & COLD_STATES)
    return (*((HOT,) if hot else ()), *((COLD,) if cold else ()))


CLAUSES: Final = {
    "states": "state = ANY(%(states)s)",
    "task": "task = %(task)s",
    "queue": "queue = %(queue)s",
    "tenants": "tenant = ANY(%(tenants)s)",
    "created_after": "created_at >= %(created_after)s",
    "created_before": "created_at < %(created_before)s",
    "floor": "id >= %(floor)s",
    "before": "id < %(before)s",
    "fingerprint": "fingerprint = %(fingerprint)s",
    "error": "strpos(lower(error ->> 'message'), lower(%(error)s)) > 0",
}


def conditions(query: JobQuery) -> tuple[str, dict[str, object]]:
    """Return the WHERE clause of a filter and its values."""
    criteria = {name: getattr(query, name) for name in CLAUSES}
    values: dict[str, object] = {
        name: _listed(value) for name, value in criteria.items() if value is not None and value != frozenset()
    }
    clauses = ["true", *(CLAUSES[name] for name in values)]
    if query.tenants is not None and "" not in query.tenants:
        clauses.append("tenant <> ''")
    for number, (key, value) in enumerate(query.args):
        clauses.append(f"payload ->> %(k{number})s = %(v{number})s")
        values.update({f"k{number}": key, f"v{number}": value})
    return " AND ".join(clauses), values


def _listed(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset | tuple) else value


def _latest_attempt(job: JobRecord) -> AttemptRecord | None:
    if job.state == JobState.SUCCEEDED:
        return AttemptRecord(job.attempt, job.worker, job.started_at, job.finished_at, "succeeded", None)
    if job.state == JobState.RUNNING:
        return AttemptRecord(job.attempt, job.worker, job.started_at, None, None, None)
    return None
