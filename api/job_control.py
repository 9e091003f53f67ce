"""Cancel and retry single jobs."""

from uuid import UUID

from api import owners
from api.call import Access, Call, Here
from api.job_docs import JobDoc, job_doc
from api.queues import Reason
from api.routes import Routes
from api.steering import actor, control, may_steer_job
from domain.errors import NotFound
from services import jobs

routes = Routes("jobs")
STEER = Access(None, "job_id", owners.job, guard=may_steer_job)


@routes.post("/v1/jobs/{job_id}/cancel", STEER, answer=JobDoc)
def cancel_job(call: Here, job_id: UUID, body: Reason = Reason()) -> JobDoc:  # noqa: B008 -- frozen
    """Cancel a waiting job, or ask a running one to stop. 409 `not_cancellable` with the state."""
    control(call).cancel(call.session, job_id, actor(call, body.reason))
    return _shown(call, job_id)


@routes.post("/v1/jobs/{job_id}/retry", STEER, answer=JobDoc)
def retry_job(call: Here, job_id: UUID, body: Reason = Reason()) -> JobDoc:  # noqa: B008 -- frozen
    """Retry a dead, retrying or cancelled job now. 409 `not_retryable` with the state."""
    control(call).retry(call.session, job_id, actor(call, body.reason))
    return _shown(call, job_id)


def _shown(call: Call, job_id: UUID) -> JobDoc:
    view = jobs.view(call.session, call.deps.jobs.catalogue, job_id)
    if view is None:
        raise NotFound
    return job_doc(view)
