"""Routes of queues, schedules and tasks."""

from datetime import datetime
from uuid import UUID

from kontor.engine.admin import queues
from kontor.engine.admin.queues import ScheduleView
from kontor.engine.catalogue import Payload
from kontor.http.context import Ctx, RequestContext, RoutePolicy
from kontor.http.routing import Routes
from kontor.http.wire import Json, PageOut, ResponseModel, UtcOut
from kontor.jobs import service
from kontor.jobs.routes import actor, operations
from kontor.jobs.schemas import ActionIn, JobOut, job_out
from kontor.kernel.errors import NotFound
from kontor.kernel.states import MisfirePolicy
from kontor.task_types.registry import refresh
from models.keys import Scope

queue_routes = Routes("queues")


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


def require_queue(ctx: RequestContext) -> None:
    """Raise NotFound for a queue that no task uses."""
    refresh(ctx.connection, ctx.deps.jobs.catalogue)
    if ctx.incoming.params["name"] not in ctx.deps.jobs.catalogue.queues:
        raise NotFound("unknown_queue", "There is no such queue. GET /v1/queues lists all queues.")


SWITCH_QUEUE = RoutePolicy(Scope.OPERATE, first=require_queue, unbound_only=True)


@queue_routes.get("/v1/queues", RoutePolicy(Scope.READ, unbound_only=True), response=PageOut[QueueOut])
def list_queues(ctx: Ctx) -> PageOut[QueueOut]:
    """List all queues."""
    refresh(ctx.connection, ctx.deps.jobs.catalogue)
    views = queues.list_queues(ctx.session, ctx.deps.jobs.catalogue.queues, ctx.now)
    return PageOut(items=[_queue_out(view) for view in views])


@queue_routes.post("/v1/queues/{name}/pause", SWITCH_QUEUE, response=QueueOut)
def pause_queue(ctx: Ctx, name: str, body: ActionIn = ActionIn()) -> QueueOut:  # noqa: B008 -- frozen
    """Pause a queue: no new job starts; running jobs finish."""
    operations(ctx).pause_queue(ctx.session, name, actor(ctx, body.reason))
    return _queue(ctx, name)


@queue_routes.post("/v1/queues/{name}/resume", SWITCH_QUEUE, response=QueueOut)
def resume_queue(ctx: Ctx, name: str, body: ActionIn = ActionIn()) -> QueueOut:  # noqa: B008 -- frozen
    """Resume a queue."""
    operations(ctx).resume_queue(ctx.session, name, actor(ctx, body.reason))
    return _queue(ctx, name)


def _queue(ctx: RequestContext, name: str) -> QueueOut:
    ctx.session.flush()
    return _queue_out(queues.list_queues(ctx.session, [name], ctx.now)[0])


def _queue_out(view: queues.QueueView) -> QueueOut:
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


schedule_routes = Routes("schedules")


class OccurrenceOut(ResponseModel):
    """One run of a schedule; `slot` is its unique local time."""

    slot: str
    due_at: UtcOut
    fired_at: UtcOut
    job_id: UUID | None
    skipped: bool


class ScheduleOut(ResponseModel):
    """A schedule with its last run and its next twelve run times; `error`: why it does not fire."""

    name: str
    cron: str
    timezone: str
    misfire: MisfirePolicy
    task: str
    paused: bool
    last: OccurrenceOut | None
    next: list[UtcOut]
    error: str | None


def require_schedule(ctx: RequestContext) -> None:
    """Raise NotFound for an undeclared schedule."""
    if queues.get_schedule(ctx.session, ctx.incoming.params["name"], ctx.now) is None:
        raise NotFound("unknown_schedule", "There is no such schedule. GET /v1/schedules lists all schedules.")


SWITCH_SCHEDULE = RoutePolicy(Scope.OPERATE, first=require_schedule, unbound_only=True)


@schedule_routes.get("/v1/schedules", RoutePolicy(Scope.READ, unbound_only=True), response=PageOut[ScheduleOut])
def list_schedules(ctx: Ctx) -> PageOut[ScheduleOut]:
    """List all schedules."""
    return PageOut(items=[_schedule_out(view) for view in queues.list_schedules(ctx.session, ctx.now)])


@schedule_routes.post("/v1/schedules/{name}/run", SWITCH_SCHEDULE, response=JobOut, status=202)
def run_schedule(ctx: Ctx, name: str, body: ActionIn = ActionIn()) -> JobOut:  # noqa: B008 -- frozen
    """Enqueue the schedule's task now; returns the job."""
    job_id = operations(ctx).run_schedule(ctx.session, name, actor(ctx, body.reason))
    view = service.view(ctx.session, ctx.deps.jobs.catalogue, job_id)
    if view is None:
        raise NotFound
    return job_out(view)


@schedule_routes.post("/v1/schedules/{name}/pause", SWITCH_SCHEDULE, response=ScheduleOut)
def pause_schedule(ctx: Ctx, name: str, body: ActionIn = ActionIn()) -> ScheduleOut:  # noqa: B008 -- frozen
    """Pause a schedule: runs that fall due are skipped."""
    operations(ctx).pause_schedule(ctx.session, name, actor(ctx, body.reason))
    return _schedule(ctx, name)


@schedule_routes.post("/v1/schedules/{name}/resume", SWITCH_SCHEDULE, response=ScheduleOut)
def resume_schedule(ctx: Ctx, name: str, body: ActionIn = ActionIn()) -> ScheduleOut:  # noqa: B008 -- frozen
    """Resume a schedule from its next run on."""
    operations(ctx).resume_schedule(ctx.session, name, actor(ctx, body.reason))
    return _schedule(ctx, name)


def _schedule(ctx: RequestContext, name: str) -> ScheduleOut:
    ctx.session.flush()
    view = queues.get_schedule(ctx.session, name, ctx.now)
    if view is None:
        raise NotFound
    return _schedule_out(view)


def _schedule_out(view: ScheduleView) -> ScheduleOut:
    row, last = view.schedule, view.last
    instants: list[datetime] = list(view.next)
    shown = None
    if last is not None:
        shown = OccurrenceOut(
            slot=last.slot,
            due_at=last.due_at,
            fired_at=last.fired_at,
            job_id=last.job_id,
            skipped=last.skipped,
        )
    return ScheduleOut(
        name=row.name,
        cron=row.cron,
        timezone=row.timezone,
        misfire=MisfirePolicy(row.misfire),
        task=row.task,
        paused=row.paused,
        last=shown,
        next=instants,
        error=view.error,
    )


task_routes = Routes("jobs")


class RetryPolicyOut(ResponseModel):
    """Exponential backoff with full jitter, in seconds."""

    max_attempts: int
    base_seconds: float
    cap_seconds: float


class TaskOut(ResponseModel):
    """A task; `args` is a JSON Schema, `due_by_seconds` the time within which jobs should start.

    `internal`: only Kontor itself enqueues it.
    """

    name: str
    queue: str
    public: bool
    internal: bool
    kind: str
    args: dict[str, Json]
    retry: RetryPolicyOut
    crash: str
    due_by_seconds: float


@task_routes.get("/v1/tasks", RoutePolicy(Scope.READ), response=PageOut[TaskOut])
def list_tasks(ctx: Ctx) -> PageOut[TaskOut]:
    """List tasks; a bound key sees those it can enqueue."""
    refresh(ctx.connection, ctx.deps.jobs.catalogue)
    payloads = sorted(ctx.deps.jobs.catalogue, key=lambda payload: payload.policy.name)
    visible = [p for p in payloads if p.policy.public or not ctx.caller.bound]
    return PageOut(items=[_task_out(payload) for payload in visible])


def _task_out(payload: type[Payload]) -> TaskOut:
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
        internal=policy.internal,
        kind=policy.kind,
        args=payload.args_schema(),
        retry=retry,
        crash=policy.crash,
        due_by_seconds=policy.due_by.total_seconds(),
    )
