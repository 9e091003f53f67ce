"""Bulk actions on jobs, a chunk at a time: each chunk enqueues the next."""

from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from sqlalchemy.orm import Session

from domain.jobs import TaskKind
from domain.retry import RetryPolicy
from engine.catalogue import Payload, Policy
from engine.control import Actor, Control
from engine.handlers import JobContext
from engine.outcomes import Done
from services import bulk
from services.bulk import BulkAction


class JobsBulk(Payload):
    """What to do to which jobs, on whose behalf. `before`, `done`, `refused`: how far earlier chunks came."""

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


class JobsBulkHandler:
    """Acts on one chunk, with an audit entry for every job."""

    payload = JobsBulk

    def run(self, job: JobContext, session: Session, payload: JobsBulk) -> Done:
        """Do a chunk; hand the rest on."""
        query = bulk.query_of(
            states=payload.states,
            task=payload.task,
            queue=payload.queue,
            tenants=payload.tenants,
            created_after=payload.created_after,
            created_before=payload.created_before,
            args=payload.args,
            floor=payload.floor,
            before=payload.before or job.id,
            fingerprint=payload.fingerprint,
            error=payload.error,
        )
        actor = Actor(payload.actor, f"job:{job.id}", payload.reason)
        chunk = bulk.act(session, Control(job.jobs), payload.action, query, actor)
        told = {"done": payload.done + chunk.done, "refused": payload.refused + chunk.refused}
        if chunk.last is None:
            return Done({**told, "continued_by": None})
        rest = payload.model_copy(update={**told, "before": chunk.last})
        following = job.jobs.enqueue(session, bulk.TASK, rest.model_dump(mode="json"), tenant=job.tenant)
        return Done({**told, "continued_by": str(following.id)})
