"""Catalogue of tasks."""

from api.call import Access, Here
from api.routes import Routes
from api.schema import Json, Outgoing, Page
from engine.catalogue import Payload
from models.keys import Scope

routes = Routes("jobs")


class RetryDoc(Outgoing):
    """Exponential backoff with full jitter, in seconds."""

    max_attempts: int
    base_seconds: float
    cap_seconds: float


class TaskDoc(Outgoing):
    """A task; `args` is a JSON Schema, `due_by_seconds` the time within which jobs should start."""

    name: str
    queue: str
    public: bool
    kind: str
    args: dict[str, Json]
    retry: RetryDoc
    crash: str
    due_by_seconds: float


@routes.get("/v1/tasks", Access(Scope.READ), answer=Page[TaskDoc])
def list_tasks(call: Here) -> Page[TaskDoc]:
    """List tasks; a bound key sees those it can enqueue."""
    payloads = sorted(call.deps.jobs.catalogue, key=lambda payload: payload.policy.name)
    visible = [p for p in payloads if p.policy.public or not call.caller.bound]
    return Page(items=[_doc(payload) for payload in visible])


def _doc(payload: type[Payload]) -> TaskDoc:
    policy = payload.policy
    retry = RetryDoc(
        max_attempts=policy.retry.max_attempts,
        base_seconds=policy.retry.base.total_seconds(),
        cap_seconds=policy.retry.cap.total_seconds(),
    )
    return TaskDoc(
        name=policy.name,
        queue=policy.queue,
        public=policy.public,
        kind=policy.kind,
        args=payload.model_json_schema(),
        retry=retry,
        crash=policy.crash,
        due_by_seconds=policy.due_by.total_seconds(),
    )
