"""Queues: list, pause, resume."""

from api.call import Ctx, RequestContext, RoutePolicy
from api.routes import Routes
from api.schema import PageOut, RequestModel, ResponseModel
from api.steering import actor, operations
from domain.errors import NotFound
from models.keys import Scope
from services import queues

routes = Routes("queues")


class ReasonIn(RequestModel):
    """Reason, kept in the audit log."""

    reason: str | None = None


class QueueOut(ResponseModel):
    """A queue. `estimated`: counts of 10,000 or more are estimates of the query planner."""

    name: str
    paused: bool
    scheduled: int
    queued: int
    running: int
    retrying: int
    dead: int
    oldest_queued_seconds: float | None
    estimated: bool


def require_declared(ctx: RequestContext) -> None:
    """Raise NotFound for a queue that no task uses."""
    if ctx.incoming.params["name"] not in ctx.deps.jobs.catalogue.queues:
        raise NotFound("unknown_queue", "There is no such queue. GET /v1/queues lists all queues.")


SWITCH = RoutePolicy(Scope.OPERATE, first=require_declared, unbound_only=True)


@routes.get("/v1/queues", RoutePolicy(Scope.READ, unbound_only=True), response=PageOut[QueueOut])
def list_queues(ctx: Ctx) -> PageOut[QueueOut]:
    """List all queues."""
    views = queues.listed(ctx.session, ctx.deps.jobs.catalogue.queues, ctx.now)
    return PageOut(items=[_doc(view) for view in views])


@routes.post("/v1/queues/{name}/pause", SWITCH, response=QueueOut)
def pause_queue(ctx: Ctx, name: str, body: ReasonIn = ReasonIn()) -> QueueOut:  # noqa: B008 -- frozen
    """Pause a queue: no new job starts; running jobs finish."""
    operations(ctx).pause_queue(ctx.session, name, actor(ctx, body.reason))
    return _one(ctx, name)


@routes.post("/v1/queues/{name}/resume", SWITCH, response=QueueOut)
def resume_queue(ctx: Ctx, name: str, body: ReasonIn = ReasonIn()) -> QueueOut:  # noqa: B008 -- frozen
    """Resume a queue."""
    operations(ctx).resume_queue(ctx.session, name, actor(ctx, body.reason))
    return _one(ctx, name)


def _one(ctx: RequestContext, name: str) -> QueueOut:
    ctx.session.flush()
    return _doc(queues.listed(ctx.session, [name], ctx.now)[0])


def _doc(view: queues.QueueView) -> QueueOut:
    return QueueOut(
        name=view.name,
        paused=view.paused,
        scheduled=view.scheduled,
        queued=view.queued,
        running=view.running,
        retrying=view.retrying,
        dead=view.dead,
        oldest_queued_seconds=view.oldest_queued_seconds,
        estimated=view.estimated,
    )
