"""Bulk actions on jobs and their previews, one chunk at a time; each chunk enqueues the next."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from sqlalchemy.orm import Session

from kontor.audit import Actor
from kontor.bulk import preview
from kontor.bulk import service as bulk
from kontor.bulk.dry_run import DryRun
from kontor.bulk.payloads import JobsBulk, JobsPreview
from kontor.engine.admin.operations import Operations
from kontor.engine.handlers import Cancel, Done, Handler, JobContext, Outcome, Registry
from kontor.kernel.states import BulkAction
from models.console import BulkRun, BulkState
from tasks.deps import HandlerDeps

COUNT_MS: Final = 30_000


class JobsBulkHandler:
    """Processes one chunk, with an audit entry for every job."""

    payload = JobsBulk

    def run(self, job: JobContext, session: Session, payload: JobsBulk) -> Outcome:
        """Process a chunk and enqueue the rest, unless the run was paused or belongs to another job."""
        run = bulk.lock_for_job(session, payload.run, job.id, BulkState.RUNNING)
        if run is None:
            return Cancel("the bulk action was paused or stopped")
        actor = Actor(run.actor, f"job:{job.id}", run.reason)
        chunk = bulk.run_chunk(session, Operations(job.jobs), payload.action, payload.remaining(job.id), actor)
        counts = {"done": payload.done + chunk.done, "refused": payload.refused + chunk.refused}
        next_job_id = None
        if chunk.last is not None:
            next_payload = payload.model_copy(update={**counts, "before": chunk.last})
            next_job_id = job.jobs.enqueue(
                session, next_payload, tenant=job.tenant, priority=bulk.INTERACTIVE_PRIORITY
            ).id
        bulk.advance(session, run, **counts, reached=chunk.last, next_job_id=next_job_id, now=job.now)
        return Done({**counts, "continued_by": None if next_job_id is None else str(next_job_id)})


class JobsPreviewHandler:
    """Counts first, then dry-runs a chunk and enqueues the rest. `handlers`: those available for dry bulk."""

    payload = JobsPreview

    def __init__(self, handlers: Sequence[Handler]) -> None:
        self._registry = Registry(handlers)

    def run(self, job: JobContext, session: Session, payload: JobsPreview) -> Outcome:
        """Dry-run one chunk; its changes are rolled back before this returns."""
        run = bulk.lock_for_job(session, payload.run, job.id, BulkState.PREVIEW)
        if run is None:
            return Cancel("the preview was discarded or started")
        if run.counts is None:
            self._count(session, run)
        chunk = preview.preview_chunk(session, DryRun(self._registry, job.jobs), run)
        next_job_id = job.jobs.enqueue(session, payload, priority=bulk.INTERACTIVE_PRIORITY).id if chunk.more else None
        bulk.update_run(
            session, run.id, foreseen=chunk.rows, looked=chunk.count, looked_to=chunk.last, seen_keys=chunk.seen_keys,
            job_id=next_job_id or job.id, foreseen_at=None if chunk.more else job.now,
        )  # fmt: skip
        return Done({"looked_at": chunk.count, "continued_by": None if next_job_id is None else str(next_job_id)})

    @staticmethod
    def _count(session: Session, run: BulkRun) -> None:
        query = preview.remaining(run)
        counts = bulk.count_jobs(session, BulkAction(run.action), query, COUNT_MS)
        total = None if counts is None else sum(group.count for group in counts)
        bulk.update_run(session, run.id, counts=[asdict(group) for group in counts or ()], total=total)


def handlers(deps: HandlerDeps) -> list[Handler]:
    """Return the handlers of bulk actions; that of previews is given all others."""
    return [
        JobsBulkHandler(),
    ]
