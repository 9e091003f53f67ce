"""Schedules: list, run now, pause, resume."""

from datetime import datetime
from uuid import UUID

from api.call import Ctx, RequestContext, RoutePolicy
from api.job_docs import JobOut, job_out
from api.queues import ReasonIn
from api.routes import Routes
from api.schema import PageOut, ResponseModel, UtcOut
from api.steering import actor, operations
from domain.errors import NotFound
from domain.misfire import MisfirePolicy
from models.keys import Scope
from services import jobs, schedules
from services.schedules import ScheduleView

routes = Routes("schedules")


class OccurrenceOut(ResponseModel):
    """One run of a schedule; `slot` is its unique local time."""

    slot: str
    due_at: UtcOut
    fired_at: UtcOut
    job_id: UUID | None
    skipped: bool


class ScheduleOut(ResponseModel):
    """A schedule with its last run and its next twelve run times."""

    name: str
    cron: str
    timezone: str
    misfire: MisfirePolicy
    task: str
    paused: bool
    last: OccurrenceOut | None
    next: list[UtcOut]


def require_declared(ctx: RequestContext) -> None:
    """Raise NotFound for an undeclared schedule."""
    if schedules.one(ctx.session, ctx.incoming.params["name"], ctx.now) is None:
        raise NotFound("unknown_schedule", "There is no such schedule. GET /v1/schedules lists all schedules.")


SWITCH = RoutePolicy(Scope.OPERATE, first=require_declared, unbound_only=True)


@routes.get("/v1/schedules", RoutePolicy(Scope.READ, unbound_only=True), response=PageOut[ScheduleOut])
def list_schedules(ctx: Ctx) -> PageOut[ScheduleOut]:
    """List all schedules."""
    return PageOut(items=[_doc(view) for view in schedules.listed(ctx.session, ctx.now)])


@routes.post("/v1/schedules/{name}/run", SWITCH, response=JobOut, status=202)
def run_schedule(ctx: Ctx, name: str, body: ReasonIn = ReasonIn()) -> JobOut:  # noqa: B008 -- frozen
    """Enqueue the schedule's task now; returns the job."""
    job_id = operations(ctx).run_schedule(ctx.session, name, actor(ctx, body.reason))
    view = jobs.view(ctx.session, ctx.deps.jobs.catalogue, job_id)
    if view is None:
        raise NotFound
    return job_out(view)


@routes.post("/v1/schedules/{name}/pause", SWITCH, response=ScheduleOut)
def pause_schedule(ctx: Ctx, name: str, body: ReasonIn = ReasonIn()) -> ScheduleOut:  # noqa: B008 -- frozen
    """Pause a schedule: runs that fall due are skipped."""
    operations(ctx).pause_schedule(ctx.session, name, actor(ctx, body.reason))
    return _one(ctx, name)


@routes.post("/v1/schedules/{name}/resume", SWITCH, response=ScheduleOut)
def resume_schedule(ctx: Ctx, name: str, body: ReasonIn = ReasonIn()) -> ScheduleOut:  # noqa: B008 -- frozen
    """Resume a schedule from its next run on."""
    operations(ctx).resume_schedule(ctx.session, name, actor(ctx, body.reason))
    return _one(ctx, name)


def _one(ctx: RequestContext, name: str) -> ScheduleOut:
    ctx.session.flush()
    view = schedules.one(ctx.session, name, ctx.now)
    if view is None:
        raise NotFound
    return _doc(view)


def _doc(view: ScheduleView) -> ScheduleOut:
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
    )
