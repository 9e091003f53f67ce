"""Access to jobs and to the engine's operations for a request."""

from uuid import UUID

from api.call import RequestContext, uuid_of
from domain.errors import Forbidden, NotFound
from engine.control import Actor, Control
from models.keys import Scope
from services import jobs
from services.keys import Possession


def operations(ctx: RequestContext) -> Control:
    """Return the engine's operations at the time of this request."""
    return Control(ctx.jobs)


def actor(ctx: RequestContext, reason: str | None) -> Actor:
    """Return the actor for the audit log."""
    return Actor(ctx.caller.actor, "api", reason)


def may_steer_job(ctx: RequestContext) -> None:
    """Check access: `enqueue` suffices for one's own jobs of public tasks; all others require `operate`."""
    if ctx.caller.may(Scope.OPERATE):
        return
    ctx.require_scope(Scope.ENQUEUE)
    job_id: UUID = uuid_of(ctx.incoming.params["job_id"])
    view = jobs.view(ctx.session, ctx.deps.jobs.catalogue, job_id)
    if view is None:
        raise NotFound
    catalogue = ctx.deps.jobs.catalogue
    public = view.job.task in catalogue and catalogue[view.job.task].policy.public
    unowned = jobs.owner_of_tenant(ctx.session, view.job.tenant) == Possession()
    if not public or not (ctx.caller.bound or unowned):
        raise Forbidden(message="Jobs of others require the scope operate.", scope=Scope.OPERATE.value)
