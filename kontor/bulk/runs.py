"""Bulk runs from preview to end: started with a reason, paused, resumed, stopped, audited."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from kontor import audit
from kontor.audit import Actor
from kontor.bulk.payloads import JobsBulk, JobsPreview
from kontor.engine.admin.job_filter import JobFilter
from kontor.engine.catalogue import validate
from kontor.engine.enqueue import EnqueueResult, Jobs
from kontor.kernel.errors import Conflict, NotFound
from kontor.kernel.ids import new_id
from kontor.kernel.paging import Page, page_of
from kontor.kernel.states import BulkAction
from models.console import BulkRun, BulkState

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
    args = {"action": run.action, "actor": run.actor, "reason": run.reason, "run": str(run.id), **run.query, **progress}
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
