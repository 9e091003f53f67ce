"""Bulk actions: count the matching jobs, then process them in chunks in a job."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.audit import Actor
from kontor.engine.admin import job_queries
from kontor.engine.admin.job_filter import JobFilter
from kontor.engine.admin.operations import Operations
from kontor.kernel.database import psycopg_connection, timeboxed
from kontor.kernel.errors import Conflict, NotFound
from kontor.kernel.states import BulkAction, JobState

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


def applicable(action: BulkAction, job_filter: JobFilter) -> JobFilter:
    """Narrow the filter to the states that the action applies to."""
    states = STATES[action]
    return job_filter.replace(states=states & job_filter.states if job_filter.states else states)


def count_jobs(
    session: Session, action: BulkAction, job_filter: JobFilter, limit_ms: int = COUNT_MS
) -> list[BulkCount] | None:
    """Count the matching jobs, largest group first; None when counting takes longer than `limit_ms`."""
    matching = applicable(action, job_filter)
    if not matching.states:
        return []
    rows = timeboxed(
        session, limit_ms, lambda: job_queries.count_by_task_and_tenant(psycopg_connection(session), matching)
    )
    if rows is None:
        return None
    return [BulkCount(task, tenant, count) for task, tenant, count in rows]


def run_chunk(
    session: Session, control: Operations, action: BulkAction, job_filter: JobFilter, actor: Actor
) -> ChunkResult:
    """Process one chunk, newest first; a job that has changed since is counted as refused and skipped."""
    matching = applicable(action, job_filter)
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
