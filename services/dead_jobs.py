"""What a dead job sets off besides its own handler's word: the event `job.dead`. Operators hear in the next digest."""

from uuid import UUID

from sqlalchemy.orm import Session

from engine.driver import driver
from engine.handlers import JobContext
from services.events import emit_for
from store import owners

EVENT = "job.dead"


def announce(session: Session, job: JobContext, reason: str, error: str) -> None:
    """Tell whoever listens, in the transaction that buries the job."""
    data = {"job": str(job.id), "task": job.task, "tenant": job.tenant, "reason": reason, "error": error}
    reseller = _reseller(session, job.tenant)
    emit_for(session, job.jobs, EVENT, data, at=job.now, reseller_id=reseller)


def _reseller(session: Session, tenant: str) -> UUID | None:
    """The reseller behind a tenant; None for the provider's own work."""
    try:
        account_id = UUID(tenant)
    except ValueError:
        return None
    found = owners.find(driver(session), owners.ACCOUNT, account_id)
    if found is None:
        return None
    reseller, account = found
    return reseller or account
