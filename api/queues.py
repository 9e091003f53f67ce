"""Queues: list, pause, resume."""

from api.call import Access, Call, Here
from api.routes import Routes
from api.schema import Incoming, Outgoing, Page
from api.steering import actor, control
from domain.errors import NotFound
from models.keys import Scope
from services import queues

routes = Routes("queues")


class Reason(Incoming):
    """Reason, kept in the audit log."""

    reason: str | None = None


class QueueDoc(Outgoing):
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


def must_exist(call: Call) -> None:
    """Raise NotFound for a queue that no task uses."""
    if call.arrival.params["name"] not in call.deps.jobs.catalogue.queues:
        raise NotFound("unknown_queue", "There is no such queue. GET /v1/queues lists all queues.")


SWITCH = Access(Scope.OPERATE, first=must_exist, unbound_only=True)


@routes.get("/v1/queues", Access(Scope.READ, unbound_only=True), answer=Page[QueueDoc])
def list_queues(call: Here) -> Page[QueueDoc]:
    """List all queues."""
    views = queues.listed(call.session, call.deps.jobs.catalogue.queues, call.now)
    return Page(items=[_doc(view) for view in views])


@routes.post("/v1/queues/{name}/pause", SWITCH, answer=QueueDoc)
def pause_queue(call: Here, name: str, body: Reason = Reason()) -> QueueDoc:  # noqa: B008 -- frozen
    """Pause a queue: no new job starts; running jobs finish."""
    control(call).pause_queue(call.session, name, actor(call, body.reason))
    return _one(call, name)


@routes.post("/v1/queues/{name}/resume", SWITCH, answer=QueueDoc)
def resume_queue(call: Here, name: str, body: Reason = Reason()) -> QueueDoc:  # noqa: B008 -- frozen
    """Resume a queue."""
    control(call).resume_queue(call.session, name, actor(call, body.reason))
    return _one(call, name)


def _one(call: Call, name: str) -> QueueDoc:
    call.session.flush()
    return _doc(queues.listed(call.session, [name], call.now)[0])


def _doc(view: queues.QueueView) -> QueueDoc:
    return QueueDoc(
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
