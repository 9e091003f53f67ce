"""Access to jobs and to the engine's operations for a request."""

from collections.abc import Sequence
from uuid import UUID

from kontor.audit import Actor
from kontor.engine.admin.job_filter import JobFilter
from kontor.engine.admin.operations import Operations
from kontor.http import ownership
from kontor.http.context import RequestContext
from kontor.http.ownership import Ownership
from kontor.http.wire import uuid_of
from kontor.jobs import service
from kontor.jobs.schemas import JobFilterMembers
from kontor.kernel.errors import Forbidden, NotFound
from models.keys import Scope


def operations(ctx: RequestContext) -> Operations:
    """Return the engine's operations at the time of this request."""
    return Operations(ctx.jobs)


def actor(ctx: RequestContext, reason: str | None) -> Actor:
    """Return the actor for the audit log."""
    return Actor(ctx.caller.actor, "api", reason)


def applied_filter(ctx: RequestContext, members: JobFilterMembers, args: Sequence[tuple[str, str]]) -> JobFilter:
    """Return the filter as applied: jobs the caller may see, by default of the last seven days."""
    job_filter = members.job_filter(args, service.visible_tenants(ctx.session, ctx.caller))
    return service.with_defaults(job_filter, ctx.now, real_time=not ctx.deps.test_clock)


def may_steer_job(ctx: RequestContext) -> None:
    """Check access: `enqueue` suffices for one's own jobs of public tasks; all others require `operate`."""
    if ctx.caller.has_scope(Scope.OPERATE):
        return
    ctx.require_scope(Scope.ENQUEUE)
    job_id: UUID = uuid_of(ctx.incoming.params["job_id"])
    view = service.view(ctx.session, ctx.deps.jobs.catalogue, job_id)
    if view is None:
        raise NotFound
    catalogue = ctx.deps.jobs.catalogue
    public = view.job.task in catalogue and catalogue[view.job.task].policy.public
    unowned = ownership.tenant_ownership(ctx.session, view.job.tenant) == Ownership()
    if not public or not (ctx.caller.bound or unowned):
        raise Forbidden(message="Jobs of others require the scope operate.", scope=Scope.OPERATE.value)
