"""Bulk actions: count the matching jobs, process them in chunks; runs are paused, resumed, stopped and audited."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from kontor import audit
from kontor.audit import Actor
from kontor.bulk.payloads import JobsBulk, JobsPreview
from kontor.engine.admin import job_queries
from kontor.engine.admin.job_filter import JobFilter
from kontor.engine.admin.operations import Operations
from kontor.engine.catalogue import validate
from kontor.engine.enqueue import EnqueueResult, Jobs
from kontor.kernel.database import psycopg_connection, timeboxed
from kontor.kernel.errors import Conflict, NotFound
from kontor.kernel.ids import new_id
from kontor.kernel.paging import Page, page_of
from kontor.kernel.states import BulkAction, JobState
from models.console import BulkRun, BulkState

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


INTERACTIVE_PRIORITY: Final = 9
"""Priority of jobs that a person waits for."""


def preview(session: Session, jobs: Jobs, action: BulkAction, job_filter: JobFilter, actor: Actor) -> BulkRun:
    """Create a run and enqueue the job that computes what it would do; changes nothing else."""
    run = _new(session, jobs, action, job_filter, actor, BulkState.PREVIEW)
    job = jobs.enqueue(session, JobsPreview(run=run.id), priority=INTERACTIVE_PRIORITY)
    run.job_id = job.id
    return run


def start_unpreviewed(
    session: Session, jobs: Jobs, action: BulkAction, job_filter: JobFilter, actor: Actor, tenant: str = ""
) -> EnqueueResult:
    """Start without a preview; return the enqueued job."""
    run = _new(session, jobs, action, job_filter, actor, BulkState.RUNNING)
    run.reason, run.started_at = actor.reason, run.created_at
    job = _enqueue(session, jobs, run, {}, tenant)
    _record(session, jobs, run, f"bulk.{action.value}", actor)
    return job


def start(session: Session, jobs: Jobs, run_id: UUID, actor: Actor) -> BulkRun:
    """Start a previewed run. Raises NotFound, Conflict(`not_a_preview`)."""
    run = _locked(session, run_id)
    if run.state != BulkState.PREVIEW:
        raise Conflict(
            "not_a_preview", f"Only a preview can be started; this bulk action is {run.state}.", state=run.state
        )
    run.state, run.reason, run.started_at = BulkState.RUNNING.value, actor.reason, jobs.clock.now()
    run.actor, run.origin = actor.name, actor.origin
    _enqueue(session, jobs, run, {"before": str(run.id)})
    _record(session, jobs, run, f"bulk.{run.action}", actor)
    return run


def pause(session: Session, jobs: Jobs, run_id: UUID, actor: Actor) -> None:
    """Start no further chunk. Raises NotFound, Conflict(`not_running`)."""
    run = _in_state(session, run_id, BulkState.RUNNING)
    run.state = BulkState.PAUSED.value
    _record(session, jobs, run, "bulk.pause", actor)


def resume(session: Session, jobs: Jobs, run_id: UUID, actor: Actor) -> None:
    """Continue where the run was paused. Raises NotFound, Conflict(`not_running`)."""
    run = _in_state(session, run_id, BulkState.PAUSED)
    run.state = BulkState.RUNNING.value
    _enqueue(session, jobs, run, {"before": str(run.reached or run.id), "done": run.done, "refused": run.refused})
    _record(session, jobs, run, "bulk.resume", actor)


def stop(session: Session, jobs: Jobs, run_id: UUID, actor: Actor) -> None:
    """Stop the run; a preview is discarded. Raises NotFound, Conflict(`not_running`)."""
    run = _in_state(session, run_id, BulkState.PREVIEW, BulkState.RUNNING, BulkState.PAUSED)
    run.state, run.finished_at = BulkState.STOPPED.value, jobs.clock.now()
    _record(session, jobs, run, "bulk.stop", actor)


def lock_for_job(session: Session, run_id: UUID, job_id: UUID, state: BulkState) -> BulkRun | None:
    """Lock and detach the run; None when it is in another state or belongs to another job."""
    run = lock(session, run_id)
    if run is None or run.state != state or run.job_id != job_id:
        return None
    session.expunge(run)
    return run


def advance(
    session: Session,
    run: BulkRun,
    *,
    done: int,
    refused: int,
    reached: UUID | None,
    next_job_id: UUID | None,
    now: datetime,
) -> None:
    """Record the progress of a chunk; without a `next_job_id` the run is done."""
    values: dict[str, object] = {"done": done, "refused": refused}
    if reached is not None:
        values["reached"] = reached
    ended = {"state": BulkState.DONE.value, "finished_at": now}
    update_run(session, run.id, **values, **(ended if next_job_id is None else {"job_id": next_job_id}))


def _new(
    session: Session, jobs: Jobs, action: BulkAction, job_filter: JobFilter, actor: Actor, state: BulkState
) -> BulkRun:
    run = BulkRun(
        id=new_id(), action=action.value, query=job_filter.dump(), state=state.value, actor=actor.name,
        origin=actor.origin, created_at=jobs.clock.now(),
    )  # fmt: skip
    session.add(run)
    session.flush()
    return run


def _enqueue(
    session: Session, jobs: Jobs, run: BulkRun, progress: Mapping[str, JsonValue], tenant: str = ""
) -> EnqueueResult:
    args = {"action": run.action, "run": str(run.id), **run.query, **progress}
    job = jobs.enqueue(session, validate(JobsBulk, args), tenant=tenant, priority=INTERACTIVE_PRIORITY)
    run.job_id = job.id
    return job


def _locked(session: Session, run_id: UUID) -> BulkRun:
    run = lock(session, run_id)
    if run is None:
        raise NotFound
    return run


def _in_state(session: Session, run_id: UUID, *states: BulkState) -> BulkRun:
    run = _locked(session, run_id)
    if run.state not in states:
        raise Conflict("not_running", f"This is not possible while the bulk action is {run.state}.", state=run.state)
    return run


def _record(session: Session, jobs: Jobs, run: BulkRun, action: str, actor: Actor) -> None:
    detail = {"job": str(run.job_id), "total": run.total, "filter": run.query}
    audit.record(session, actor, action, f"bulk:{run.id}", at=jobs.clock.now(), detail=detail)


SHOWN: Final = 100


def lock(session: Session, run_id: UUID) -> BulkRun | None:
    """Return a bulk action, locked."""
    return session.get(BulkRun, run_id, with_for_update=True, populate_existing=True)


def by_id(session: Session, run_id: UUID) -> BulkRun | None:
    """Return one bulk action."""
    return session.get(BulkRun, run_id)


def newest(session: Session, cursor: str | None, limit: int = SHOWN) -> Page[BulkRun]:
    """Return bulk actions, newest first. Raises Invalid."""
    return page_of(session, select(BulkRun), BulkRun.id, cursor, limit)


def update_run(session: Session, run_id: UUID, **values: object) -> None:
    """Update columns of a bulk action without touching the session's objects."""
    session.execute(update(BulkRun).where(BulkRun.id == run_id).values(**values))
