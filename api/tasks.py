"""Catalogue of tasks."""

from api.call import Ctx, RoutePolicy
from api.routes import Routes
from api.schema import Json, PageOut, ResponseModel
from engine.catalogue import Payload
from models.keys import Scope

routes = Routes("jobs")


class RetryPolicyOut(ResponseModel):
    """Exponential backoff with full jitter, in seconds."""

    max_attempts: int
    base_seconds: float
    cap_seconds: float


class TaskOut(ResponseModel):
    """A task; `args` is a JSON Schema, `due_by_seconds` the time within which jobs should start."""

    name: str
    queue: str
    public: bool
    kind: str
    args: dict[str, Json]
    retry: RetryPolicyOut
    crash: str
    due_by_seconds: float


@routes.get("/v1/tasks", RoutePolicy(Scope.READ), response=PageOut[TaskOut])
def list_tasks(ctx: Ctx) -> PageOut[TaskOut]:
    """List tasks; a bound key sees those it can enqueue."""
    payloads = sorted(ctx.deps.jobs.catalogue, key=lambda payload: payload.policy.name)
    visible = [p for p in payloads if p.policy.public or not ctx.caller.bound]
    return PageOut(items=[_doc(payload) for payload in visible])


def _doc(payload: type[Payload]) -> TaskOut:
    policy = payload.policy
    retry = RetryPolicyOut(
        max_attempts=policy.retry.max_attempts,
        base_seconds=policy.retry.base.total_seconds(),
        cap_seconds=policy.retry.cap.total_seconds(),
    )
    return TaskOut(
        name=policy.name,
        queue=policy.queue,
        public=policy.public,
        kind=policy.kind,
        args=payload.model_json_schema(),
        retry=retry,
        crash=policy.crash,
        due_by_seconds=policy.due_by.total_seconds(),
    )
