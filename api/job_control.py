"""Cancel and retry single jobs."""

from uuid import UUID

from api import owners
from api.call import Ctx, RequestContext, RoutePolicy
from api.job_docs import JobOut, job_out
from api.queues import ReasonIn
from api.routes import Routes
from api.steering import actor, may_steer_job, operations
from domain.errors import NotFound
from services import jobs

routes = Routes("jobs")
STEER = RoutePolicy(None, "job_id", owners.job, guard=may_steer_job)


@routes.post("/v1/jobs/{job_id}/cancel", STEER, response=JobOut)
def cancel_job(ctx: Ctx, job_id: UUID, body: ReasonIn = ReasonIn()) -> JobOut:  # noqa: B008 -- frozen
    """Cancel a waiting job, or ask a running one to stop. 409 `not_cancellable` with the state."""
    operations(ctx).cancel(ctx.session, job_id, actor(ctx, body.reason))
    return _shown(ctx, job_id)


@routes.post("/v1/jobs/{job_id}/retry", STEER, response=JobOut)
def retry_job(ctx: Ctx, job_id: UUID, body: ReasonIn = ReasonIn()) -> JobOut:  # noqa: B008 -- frozen
    """Retry a dead, retrying or cancelled job now. 409 `not_retryable` with the state."""
    operations(ctx).retry(ctx.session, job_id, actor(ctx, body.reason))
    return _shown(ctx, job_id)


def _shown(ctx: RequestContext, job_id: UUID) -> JobOut:
    view = jobs.view(ctx.session, ctx.deps.jobs.catalogue, job_id)
    if view is None:
        raise NotFound
    return job_out(view)
