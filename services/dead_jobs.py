"""The event `job.dead`, emitted for every dead job. Operators are notified by the next alert digest."""

from uuid import UUID

from sqlalchemy.orm import Session

from engine.driver import driver
from engine.handlers import JobContext
from services.events import emit_for
from store import owners

EVENT = "job.dead"


def announce(session: Session, job: JobContext, reason: str, error: str) -> None:
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
    owner = owners.find(driver(session), owners.ACCOUNT, tenant_id)
    if owner is None:
        return None
    reseller_id, account_id = owner
    return reseller_id or account_id
