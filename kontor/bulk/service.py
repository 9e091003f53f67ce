"""Bulk actions: count the matching jobs, then process them in chunks in a job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.engine.admin import job_queries
from kontor.engine.admin.job_queries import JobQuery
from kontor.engine.admin.operations import Actor, Operations
from kontor.kernel.database import psycopg_connection, timeboxed
from kontor.kernel.errors import Conflict, NotFound
from kontor.kernel.states import BulkAction, JobState
from models.base import JsonObject

CHUNK: Final = 500
COUNT_MS: Final = 5_000


STATES: Final[Mapping[BulkAction, frozenset[str]]] = {
    BulkAction.RETRY: frozenset({JobState.DEAD, JobState.RETRYING, JobState.CANCELLED}),
    BulkAction.CANCEL: frozenset(
        {JobState.SCHEDULED, JobState.QUEUED, JobState.RUNNING, JobState.RETRYING, JobState.DEAD}
    ),
}


@dataclass(frozen=True, slots=True)
class BulkCount:
    """How many jobs of a task and tenant match."""

    task: str
    tenant: str
    count: int


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """Result of one chunk; `last` is where the next chunk continues, None at the end."""

    done: int
    refused: int
    last: UUID | None


def applicable(action: BulkAction, query: JobQuery) -> JobQuery:
    """Narrow the query to the states that the action applies to."""
    states = STATES[action]
    return replace(query, states=states & query.states if query.states else states)


def count_jobs(
    session: Session, action: BulkAction, query: JobQuery, limit_ms: int = COUNT_MS
) -> list[BulkCount] | None:
    """Count the matching jobs, largest group first; None when counting takes longer than `limit_ms`."""
    matching = applicable(action, query)
    if not matching.states:
        return []
    rows = timeboxed(
        session, limit_ms, lambda: job_queries.count_by_task_and_tenant(psycopg_connection(session), matching)
    )
    if rows is None:
        return None
    return [BulkCount(task, tenant, count) for task, tenant, count in rows]


def run_chunk(session: Session, control: Operations, action: BulkAction, query: JobQuery, actor: Actor) -> ChunkResult:
    """Process one chunk, newest first; a job that has changed since is counted as refused and skipped."""
    matching = applicable(action, query)
    rows = job_queries.newest_jobs(psycopg_connection(session), matching, CHUNK) if matching.states else []
    done = sum(_act_on(session, control, action, row.id, actor) for row in rows)
    return ChunkResult(done, len(rows) - done, rows[-1].id if len(rows) == CHUNK else None)


def _act_on(session: Session, control: Operations, action: BulkAction, job_id: UUID, actor: Actor) -> bool:
    try:
        if action is BulkAction.RETRY:
            control.retry(session, job_id, actor)
        else:
            control.cancel(session, job_id, actor)
    except (Conflict, NotFound):
        return False
    return True


def dump_query(query: JobQuery) -> JsonObject:
    """Return the query as JSON, for a job payload."""
    return {
        "states": sorted(query.states),
        "task": query.task,
        "queue": query.queue,
        "tenants": None if query.tenants is None else list(query.tenants),
        "created_after": _isoformat(query.created_after),
        "created_before": _isoformat(query.created_before),
        "args": [list(pair) for pair in query.args],
        "floor": None if query.floor is None else str(query.floor),
        "fingerprint": query.fingerprint,
        "error": query.error,
    }


def load_query(
    *,
    states: Sequence[str],
    task: str | None,
    queue: str | None,
    tenants: Sequence[str] | None,
    created_after: datetime | str | None,
    created_before: datetime | str | None,
    args: Sequence[Sequence[str]],
    floor: UUID | str | None,
    before: UUID | None,
    fingerprint: str | None = None,
    error: str | None = None,
) -> JobQuery:
    """Rebuild the query that `plain` wrote, continuing before an id."""
    return JobQuery(
        states=frozenset(states),
        task=task,
        queue=queue,
        tenants=None if tenants is None else tuple(tenants),
        created_after=_instant(created_after),
        created_before=_instant(created_before),
        args=tuple((pair[0], pair[1]) for pair in args),
        floor=UUID(floor) if isinstance(floor, str) else floor,
        before=before,
        fingerprint=fingerprint,
        error=error,
    )


def _isoformat(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _instant(value: datetime | str | None) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
