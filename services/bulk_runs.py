"""Bulk actions from preview to end: started with a reason, paused, resumed, stopped; each step is written down."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import Conflict, NotFound
from domain.ids import new_id
from engine.control import Actor
from engine.enqueue import Enqueued, Jobs
from models.console import BulkAction, BulkRun, BulkState
from services import bulk
from store import audit
from store import bulk_runs as rows
from store.jobs_read import JobQuery

FORESEE: Final = "jobs.foresee"
FIRST: Final = 9
"""The priority of what a person waits for."""


def preview(session: Session, jobs: Jobs, action: BulkAction, query: JobQuery, actor: Actor) -> BulkRun:
    """Begin: nothing is done, a job works out what would be."""
    run = _new(session, jobs, action, query, actor, BulkState.PREVIEW)
    put = jobs.enqueue(session, FORESEE, {"run": str(run.id)}, priority=FIRST)
    run.job_id = put.id
    return run


def straight(
    session: Session, jobs: Jobs, action: BulkAction, query: JobQuery, actor: Actor, tenant: str = ""
) -> Enqueued:
    """Begin without a preview; returns the job."""
    run = _new(session, jobs, action, query, actor, BulkState.RUNNING)
    run.reason, run.started_at = actor.reason, run.created_at
    put = _enqueue(session, jobs, run, {}, tenant)
    _note(session, jobs, run, f"bulk.{action.value}", actor)
    return put


def start(session: Session, jobs: Jobs, run_id: UUID, actor: Actor) -> BulkRun:
    """Do what was previewed. Raises NotFound, Conflict(`not_a_preview`)."""
    run = _locked(session, run_id)
    if run.state != BulkState.PREVIEW:
        raise Conflict("not_a_preview", f"This is {run.state} already.", state=run.state)
    run.state, run.reason, run.started_at = BulkState.RUNNING.value, actor.reason, jobs.clock.now()
    run.actor, run.origin = actor.name, actor.origin
    _enqueue(session, jobs, run, {"before": str(run.id)})
    _note(session, jobs, run, f"bulk.{run.action}", actor)
    return run


def pause(session: Session, jobs: Jobs, run_id: UUID, actor: Actor) -> None:
    """Begin no further chunk. Raises NotFound, Conflict(`not_running`)."""
    run = _in_state(session, run_id, BulkState.RUNNING)
    run.state = BulkState.PAUSED.value
    _note(session, jobs, run, "bulk.pause", actor)


def resume(session: Session, jobs: Jobs, run_id: UUID, actor: Actor) -> None:
    """Go on where it was paused. Raises NotFound, Conflict(`not_running`)."""
    run = _in_state(session, run_id, BulkState.PAUSED)
    run.state = BulkState.RUNNING.value
    _enqueue(session, jobs, run, {"before": str(run.reached or run.id), "done": run.done, "refused": run.refused})
    _note(session, jobs, run, "bulk.resume", actor)


def stop(session: Session, jobs: Jobs, run_id: UUID, actor: Actor) -> None:
    """End it where it stands; a preview is thrown away. Raises NotFound, Conflict(`not_running`)."""
    run = _in_state(session, run_id, BulkState.PREVIEW, BulkState.RUNNING, BulkState.PAUSED)
    run.state, run.finished_at = BulkState.STOPPED.value, jobs.clock.now()
    _note(session, jobs, run, "bulk.stop", actor)


def in_hand(session: Session, run_id: UUID, job_id: UUID, state: BulkState) -> BulkRun | None:
    """The run under its lock, detached; None when it is not in that state or another job has it in hand."""
    run = rows.locked(session, run_id)
    if run is None or run.state != state or run.job_id != job_id:
        return None
    session.expunge(run)
    return run


def advance(
    session: Session, run: BulkRun, *, done: int, refused: int, reached: UUID | None, by: UUID | None, now: datetime
) -> None:
    """Write down how far a chunk came; without a further job (`by`) the run is done."""
    values: dict[str, Any] = {"done": done, "refused": refused}
    if reached is not None:
        values["reached"] = reached
    ended = {"state": BulkState.DONE.value, "finished_at": now}
    rows.write(session, run.id, **values, **(ended if by is None else {"job_id": by}))


def _new(session: Session, jobs: Jobs, action: BulkAction, query: JobQuery, actor: Actor, state: BulkState) -> BulkRun:
    run = BulkRun(
        id=new_id(), action=action.value, query=bulk.plain(query), state=state.value, actor=actor.name,
        origin=actor.origin, created_at=jobs.clock.now(),
    )  # fmt: skip
    session.add(run)
    session.flush()
    return run


def _enqueue(session: Session, jobs: Jobs, run: BulkRun, more: Mapping[str, Any], tenant: str = "") -> Enqueued:
    args = {"action": run.action, "actor": run.actor, "reason": run.reason, "run": str(run.id), **run.query, **more}
    put = jobs.enqueue(session, bulk.TASK, args, tenant=tenant, priority=FIRST)
    run.job_id = put.id
    return put


def _locked(session: Session, run_id: UUID) -> BulkRun:
    run = rows.locked(session, run_id)
    if run is None:
        raise NotFound
    return run


def _in_state(session: Session, run_id: UUID, *states: BulkState) -> BulkRun:
    run = _locked(session, run_id)
    if run.state not in states:
        raise Conflict("not_running", f"A bulk action that is {run.state} cannot do that.", state=run.state)
    return run


def _note(session: Session, jobs: Jobs, run: BulkRun, action: str, actor: Actor) -> None:
    detail = {"job": str(run.job_id), "total": run.total, "filter": run.query}
    audit.add(
        session, at=jobs.clock.now(), actor=actor.name, action=action, target=f"bulk:{run.id}",
        reason=actor.reason, origin=actor.origin, detail=detail,
    )  # fmt: skip
