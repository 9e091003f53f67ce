"""Schedules: list, run now, pause, resume."""

from datetime import datetime
from uuid import UUID

from api.call import Access, Call, Here
from api.job_docs import JobDoc, job_doc
from api.queues import Reason
from api.routes import Routes
from api.schema import Moment, Outgoing, Page
from api.steering import actor, control
from domain.errors import NotFound
from domain.misfire import MisfirePolicy
from models.keys import Scope
from services import jobs, schedules
from services.schedules import ScheduleView

routes = Routes("schedules")


class OccurrenceDoc(Outgoing):
    """One run of a schedule; `slot` is its unique local time."""

    slot: str
    due_at: Moment
    fired_at: Moment
    job_id: UUID | None
    skipped: bool


class ScheduleDoc(Outgoing):
    """A schedule with its last run and its next twelve run times."""

    name: str
    cron: str
    timezone: str
    misfire: MisfirePolicy
    task: str
    paused: bool
    last: OccurrenceDoc | None
    next: list[Moment]


def must_exist(call: Call) -> None:
    """Raise NotFound for an undeclared schedule."""
    if schedules.one(call.session, call.arrival.params["name"], call.now) is None:
        raise NotFound("unknown_schedule", "There is no such schedule. GET /v1/schedules lists all schedules.")


SWITCH = Access(Scope.OPERATE, first=must_exist, unbound_only=True)


@routes.get("/v1/schedules", Access(Scope.READ, unbound_only=True), answer=Page[ScheduleDoc])
def list_schedules(call: Here) -> Page[ScheduleDoc]:
    """List all schedules."""
    return Page(items=[_doc(view) for view in schedules.listed(call.session, call.now)])


@routes.post("/v1/schedules/{name}/run", SWITCH, answer=JobDoc, status=202)
def run_schedule(call: Here, name: str, body: Reason = Reason()) -> JobDoc:  # noqa: B008 -- frozen
    """Enqueue the schedule's task now; returns the job."""
    job_id = control(call).run_schedule(call.session, name, actor(call, body.reason))
    view = jobs.view(call.session, call.deps.jobs.catalogue, job_id)
    if view is None:
        raise NotFound
    return job_doc(view)


@routes.post("/v1/schedules/{name}/pause", SWITCH, answer=ScheduleDoc)
def pause_schedule(call: Here, name: str, body: Reason = Reason()) -> ScheduleDoc:  # noqa: B008 -- frozen
    """Pause a schedule: runs that fall due are skipped."""
    control(call).pause_schedule(call.session, name, actor(call, body.reason))
    return _one(call, name)


@routes.post("/v1/schedules/{name}/resume", SWITCH, answer=ScheduleDoc)
def resume_schedule(call: Here, name: str, body: Reason = Reason()) -> ScheduleDoc:  # noqa: B008 -- frozen
    """Resume a schedule from its next run on."""
    control(call).resume_schedule(call.session, name, actor(call, body.reason))
    return _one(call, name)


def _one(call: Call, name: str) -> ScheduleDoc:
    call.session.flush()
    view = schedules.one(call.session, name, call.now)
    if view is None:
        raise NotFound
    return _doc(view)


def _doc(view: ScheduleView) -> ScheduleDoc:
    row, last = view.schedule, view.last
    instants: list[datetime] = list(view.next)
    shown = None
    if last is not None:
        shown = OccurrenceDoc(
            slot=last.slot,
            due_at=last.due_at,
            fired_at=last.fired_at,
            job_id=last.job_id,
            skipped=last.skipped,
        )
    return ScheduleDoc(
        name=row.name,
        cron=row.cron,
        timezone=row.timezone,
        misfire=MisfirePolicy(row.misfire),
        task=row.task,
        paused=row.paused,
        last=shown,
        next=instants,
    )
