"""Bulk actions on jobs, a chunk at a time: each chunk enqueues the next; and what one would do, worked out likewise."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import ClassVar, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.jobs import TaskKind
from domain.retry import RetryPolicy
from engine.catalogue import Payload, Policy, own_commit
from engine.control import Actor, Control
from engine.handlers import Handler, JobContext, Registry
from engine.outcomes import Cancel, Done, Outcome
from models.console import BulkAction, BulkRun, BulkState
from services import bulk, bulk_runs, foreseeing
from services.rehearsal import Rehearsal
from store import bulk_runs as rows
from store.jobs_read import JobQuery

COUNT_MS: Final = 30_000


class JobsBulk(Payload):
    """What to do to which jobs, on whose behalf. `before`, `done`, `refused`: how far earlier chunks came.

    `run` is the bulk action that people watch, pause and stop.
    """

    policy: ClassVar[Policy] = Policy(
        name=bulk.TASK,
        queue="upkeep",
        kind=TaskKind.TRANSACTIONAL,
        retry=RetryPolicy(),
        due_by=timedelta(minutes=1),
        share_commit=False,
    )

    action: BulkAction
    actor: str
    reason: str | None = None
    states: tuple[str, ...] = ()
    task: str | None = None
    queue: str | None = None
    tenants: tuple[str, ...] | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    args: tuple[tuple[str, str], ...] = ()
    floor: UUID | None = None
    before: UUID | None = None
    fingerprint: str | None = None
    error: str | None = None
    done: int = 0
    refused: int = 0
    run: UUID | None = None


class JobsBulkHandler:
    """Acts on one chunk, with an audit entry for every job."""

    payload = JobsBulk

    def run(self, job: JobContext, session: Session, payload: JobsBulk) -> Outcome:
        """Do a chunk and hand the rest on, unless the action was paused or is in another job's hand."""
        run = None
        if payload.run is not None:
            run = bulk_runs.in_hand(session, payload.run, job.id, BulkState.RUNNING)
            if run is None:
                return Cancel("the bulk action was paused or stopped")
        actor = Actor(payload.actor, f"job:{job.id}", payload.reason)
        chunk = bulk.act(session, Control(job.jobs), payload.action, query_of(payload, job.id), actor)
        told = {"done": payload.done + chunk.done, "refused": payload.refused + chunk.refused}
        following = None
        if chunk.last is not None:
            rest = payload.model_copy(update={**told, "before": chunk.last})
            args = rest.model_dump(mode="json")
            following = job.jobs.enqueue(session, bulk.TASK, args, tenant=job.tenant, priority=bulk_runs.FIRST).id
        if run is not None:
            bulk_runs.advance(session, run, **told, reached=chunk.last, by=following, now=job.now)
        return Done({**told, "continued_by": None if following is None else str(following)})


def query_of(payload: JobsBulk, job_id: UUID) -> JobQuery:
    """What is left to go through; nothing that came after the action."""
    return bulk.query_of(
        states=payload.states,
        task=payload.task,
        queue=payload.queue,
        tenants=payload.tenants,
        created_after=payload.created_after,
        created_before=payload.created_before,
        args=payload.args,
        floor=payload.floor,
        before=payload.before or job_id,
        fingerprint=payload.fingerprint,
        error=payload.error,
    )


class JobsForesee(Payload):
    """Work out what a bulk action would do."""

    policy: ClassVar[Policy] = own_commit(bulk_runs.FORESEE, "upkeep", timedelta(seconds=10), attempts=3)

    run: UUID


class JobsForeseeHandler:
    """Counts first, then rehearses a chunk and hands the rest on. `handlers`: of the tasks it can rehearse."""

    payload = JobsForesee

    def __init__(self, handlers: Sequence[Handler]) -> None:
        self._registry = Registry(handlers)

    def run(self, job: JobContext, session: Session, payload: JobsForesee) -> Outcome:
        """One chunk; what it played is undone before this returns."""
        run = bulk_runs.in_hand(session, payload.run, job.id, BulkState.PREVIEW)
        if run is None:
            return Cancel("the preview is not wanted any more")
        if run.counts is None:
            self._count(session, run)
        found = foreseeing.look(session, Rehearsal(self._registry, job.jobs), run)
        following = job.jobs.enqueue(session, job.task, payload, priority=bulk_runs.FIRST).id if found.more else None
        rows.write(
            session, run.id, foreseen=found.rows, looked=found.count, looked_to=found.last, seen_keys=found.seen_keys,
            job_id=following or job.id, foreseen_at=None if found.more else job.now,
        )  # fmt: skip
        return Done({"looked_at": found.count, "continued_by": None if following is None else str(following)})

    @staticmethod
    def _count(session: Session, run: BulkRun) -> None:
        query = foreseeing.remaining(run)
        counts = bulk.counted(session, BulkAction(run.action), query, COUNT_MS)
        listed = [asdict(one) for one in counts or ()]
        total = None if counts is None else sum(one.count for one in counts)
        rows.write(session, run.id, counts=listed, total=total)
