"""Events about jobs: one that is dead, and the end of each of a declared type."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.engine import declared
from kontor.engine.endings import EndedJob
from kontor.engine.enqueue import Jobs
from kontor.engine.handlers import JobContext
from kontor.http import ownership
from kontor.kernel.database import psycopg_connection
from kontor.kernel.states import JobState
from kontor.webhooks.events import emit_for

JOB_DEAD: Final = "job.dead"


def emit_job_dead(session: Session, job: JobContext, reason: str, error: str) -> None:
    """Emit `job.dead` in the transaction that marks the job dead."""
    data = {"job": str(job.id), "task": job.task, "tenant": job.tenant, "reason": reason, "error": error}
    reseller = _reseller(session, job.tenant)
    emit_for(session, job.jobs, JOB_DEAD, data, at=job.now, reseller_id=reseller)


JOB_ENDED: Final[Mapping[JobState, str]] = {
    JobState.SUCCEEDED: "job.succeeded",
    JobState.DEAD: "job.failed",
    JobState.CANCELLED: "job.cancelled",
}


class JobEndEvents:
    """Emits the end of each job of a declared type, in the transaction that records it (kontor/engine/endings.py)."""

    def __call__(self, session: Session, jobs: Jobs, ended: EndedJob) -> None:
        """Emit the event: without args and result, which the job shows to whom may see it."""
        subject = declared.subject_of(psycopg_connection(session), ended.id)
        data = {
            "job": str(ended.id),
            "task": ended.task,
            "tenant": ended.tenant,
            "account_id": None if subject.account_id is None else str(subject.account_id),
            "external_id": subject.external_id,
            **({} if ended.error is None else {"error": ended.error}),
        }
        reseller = _reseller(session, ended.tenant)
        emit_for(session, jobs, JOB_ENDED[ended.state], data, at=jobs.clock.now(), reseller_id=reseller)

    def refuse_retry(self, session: Session, job_id: UUID) -> str | None:
        """Refuse nothing."""
        return None


JOB_END_EVENTS: Final = JobEndEvents()


def _reseller(session: Session, tenant: str) -> UUID | None:
    """Return the reseller behind a tenant; None for the provider's own jobs."""
    try:
        tenant_id = UUID(tenant)
    except ValueError:
        return None
    owner = ownership.owners_of(psycopg_connection(session), ownership.ACCOUNT, tenant_id)
    if owner is None:
        return None
    reseller_id, account_id = owner
    return reseller_id or account_id
