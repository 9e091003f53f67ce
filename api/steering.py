"""Access to jobs and to the engine's operations for a request."""

from uuid import UUID

from api.call import Call, uuid_of
from domain.errors import Forbidden, NotFound
from engine.control import Actor, Control
from models.keys import Scope
from services import jobs
from services.keys import Possession


def control(call: Call) -> Control:
    """Return the engine's operations at the time of this request."""
    return Control(call.jobs)


def actor(call: Call, reason: str | None) -> Actor:
    """Return the actor for the audit log."""
    return Actor(call.caller.actor, "api", reason)


def may_steer_job(call: Call) -> None:
    """Check access: `enqueue` suffices for one's own jobs of public tasks; all others require `operate`."""
    if call.caller.may(Scope.OPERATE):
        return
    call.must_have(Scope.ENQUEUE)
    job_id: UUID = uuid_of(call.arrival.params["job_id"])
    view = jobs.view(call.session, call.deps.jobs.catalogue, job_id)
    if view is None:
        raise NotFound
    catalogue = call.deps.jobs.catalogue
    public = view.job.task in catalogue and catalogue[view.job.task].policy.public
    unowned = jobs.owner_of_tenant(call.session, view.job.tenant) == Possession()
    if not public or not (call.caller.bound or unowned):
        raise Forbidden(message="Jobs of others require the scope operate.", scope=Scope.OPERATE.value)
