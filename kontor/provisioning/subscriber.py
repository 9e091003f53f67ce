"""Records the end of a service's job in the transaction that records the job's (kontor/engine/endings.py)."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.engine.endings import EndedJob
from kontor.engine.enqueue import Jobs
from kontor.kernel.states import ActionState, JobState, ServiceVerb
from kontor.programme.service import Programmes
from kontor.provisioning import outcomes, queries
from kontor.provisioning import service as actions
from models.services import Service, ServiceAction


@dataclass(frozen=True, slots=True)
class ServiceEndings:
    """Is subscribed where a process that ends jobs starts."""

    programmes: Programmes = field(default_factory=Programmes)

    def __call__(self, session: Session, jobs: Jobs, ended: EndedJob) -> None:
        """Record what the end of a job means for its service; a job of no service means nothing."""
        action = queries.by_job(session, ended.id)
        if action is None:
            return
        service = actions.locked(session, action.service_id)
        running = queries.running(session, service.id)
        if running is not None and running.job_id == ended.id:
            record(Context(jobs, self.programmes), session, service, running, ended)
        session.flush()

    def refuse_retry(self, session: Session, job_id: UUID) -> str | None:
        """Return why a job of a service must not run again: its order was credited, or it is another's turn."""
        action = queries.by_job(session, job_id)
        if action is None or action.state == ActionState.RUNNING:
            return None
        return (
            f"The service no longer waits for this job. Use POST /v1/services/{action.service_id}/retry, or ask again."
        )


def record(ctx: Context, session: Session, service: Service, action: ServiceAction, ended: EndedJob) -> None:
    """Record the end of the job of what is under way for a locked service, then begin what waits."""
    if ended.state is JobState.SUCCEEDED:
        actions.succeed(ctx, session, service, action, ended.result)
    elif action.ends and action.verb == ServiceVerb.CREATE:
        acted, job_id = ended.may_have_acted, ended.compensation
        actions.end_cancelled_order(ctx, session, service, action, acted=acted, job_id=job_id)
    elif ended.state is JobState.DEAD and action.verb == ServiceVerb.TERMINATE:
        action.error = (ended.error or "")[:500]
        outcomes.note_failed_end(ctx, session, service, action)
    else:
        outcomes.fail(ctx, session, service, action, ended.error or str(ended.state))
    session.flush()
    actions.go_on(ctx, session, service)
