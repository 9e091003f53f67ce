"""The event `job.dead`, emitted for every dead job. Operators are notified by the next alert digest."""

from uuid import UUID

from sqlalchemy.orm import Session

from kontor.engine.handlers import JobContext
from kontor.http import ownership
from kontor.kernel.database import psycopg_connection
from kontor.webhooks.events import emit_for

EVENT = "job.dead"


def emit_job_dead(session: Session, job: JobContext, reason: str, error: str) -> None:
    """Emit `job.dead` in the transaction that marks the job dead."""
    data = {"job": str(job.id), "task": job.task, "tenant": job.tenant, "reason": reason, "error": error}
    reseller = _reseller(session, job.tenant)
    emit_for(session, job.jobs, EVENT, data, at=job.now, reseller_id=reseller)


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
