"""Pages of the engine: schedules, workers and instances."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from console import texts
from console.answers import TemplateResponse
from console.visit import ConsoleRequest
from domain.cron_words import in_words
from domain.errors import NotFound
from domain.misfire import MisfirePolicy
from engine.driver import driver
from engine.rescue import APPLICATION
from models.control import Lane, ScheduleOccurrence, WorkerProcess
from models.jobs import Job
from services import schedules
from services.schedules import ScheduleView
from store import audit, console_engine, lanes, occurrences, workers

INSTANCE: Final = "instance:"
HEIGHTS: Final = ((2.0, 8), (10.0, 14), (60.0, 20), (600.0, 26))
"""Seconds late, and how tall the bar is."""


@dataclass(frozen=True, slots=True)
class Timetable:
    """A schedule as the page shows it; `bars` are its last runs, oldest first."""

    view: ScheduleView
    words: str
    misfire: str
    last: Sequence[ScheduleOccurrence]
    bars: Sequence["RunBar"]


@dataclass(frozen=True, slots=True)
class RunBar:
    """One run: `lateness` in seconds, None if it was skipped; `height` of its bar, of 32."""

    occurrence: ScheduleOccurrence
    lateness: float | None
    height: int


@dataclass(frozen=True, slots=True)
class Process:
    """A worker: its running external jobs and open transactions; seconds are wall time."""

    row: WorkerProcess
    alive: bool
    silent: float
    jobs: Sequence[Job]
    open: int
    open_seconds: float | None
    up_seconds: float


@dataclass(frozen=True, slots=True)
class LaneView:
    """A lane, its customer, and its number of unfinished jobs."""

    lane: Lane
    owner: str | None
    url: str | None
    waiting: int


def show_schedules(request: ConsoleRequest) -> TemplateResponse:
    """Show each schedule with its last and next runs."""
    views = schedules.listed(request.session, request.now)
    last = occurrences.last(request.session, [view.schedule.name for view in views])
    tables = [_timetable(view, last[view.schedule.name]) for view in views]
    return TemplateResponse("schedules.html", "Schedules", {"tables": tables}, "schedules")


def show_workers(request: ConsoleRequest) -> TemplateResponse:
    """Show each process with its running jobs."""
    listed, running = workers.listed(request.session), workers.running(request.session)
    busy = console_engine.busy(driver(request.session), [f"{APPLICATION}{row.id}" for row, _, _ in listed])
    up = console_engine.up(driver(request.session))
    processes = []
    for row, alive, silent in listed:
        mine = [job for job in running if job.worker == row.id]
        count, seconds = busy.get(f"{APPLICATION}{row.id}", (0, None))
        processes.append(Process(row, alive, silent, mine, count, seconds, up.get(row.id, 0.0)))
    ids = {process.row.id for process in processes}
    orphaned = [job for job in running if job.worker not in ids]
    values = {"processes": processes, "orphaned": orphaned, "web_version": request.deps.version}
    return TemplateResponse("workers.html", "Workers", values, "workers", live=("_workers",))


def show_instances(request: ConsoleRequest) -> TemplateResponse:
    """Show each lane with its status, troubled ones first."""
    rows = lanes.listed(request.session)
    counts = lanes.waiting(request.session, [lane.name for lane in rows])
    ids = {lane.name: account for lane in rows if (account := account_of_lane(lane.name)) is not None}
    owners = lanes.owners(request.session, list(ids.values()))
    views = []
    for lane in rows:
        owner, url = owners.get(ids[lane.name], (None, None)) if lane.name in ids else (None, None)
        views.append(LaneView(lane, owner, url, counts.get(lane.name, 0)))
    return TemplateResponse("instances.html", "Instances", {"lanes": views}, "instances", live=("_instances",))


def show_instance(request: ConsoleRequest) -> TemplateResponse:
    """Show one lane: status, waiting jobs and recent errors. Raises NotFound."""
    lane = request.session.get(Lane, request.incoming.params["name"])
    if lane is None:
        raise NotFound
    connection, account = driver(request.session), account_of_lane(lane.name)
    waiting, dead = console_engine.lane_jobs(connection, lane.name)
    errors = console_engine.lane_errors(connection, [job.id for job in [*waiting, *dead]])
    owner, url = lanes.owners(request.session, [account]).get(account, (None, None)) if account else (None, None)
    values = {
        "lane": lane,
        "owner": owner,
        "url": url,
        "account": account,
        "waiting": waiting,
        "dead": dead,
        "errors": errors,
        "acts": audit.about(request.session, f"lane:{lane.name}", 20),
    }
    return TemplateResponse("instance.html", owner or lane.name, values, "instances", live=("_instance",))


def lateness_seconds(due: datetime, fired: datetime) -> float:
    """Return the lateness of an occurrence in seconds."""
    return max(0.0, (fired - due).total_seconds())


def _timetable(view: ScheduleView, last: Sequence[ScheduleOccurrence]) -> Timetable:
    bars = [_bar(occurrence) for occurrence in reversed(last)]
    policy = texts.MISFIRE_POLICIES[MisfirePolicy(view.schedule.misfire)]
    words = in_words(view.schedule.cron)
    return Timetable(view, words[0].upper() + words[1:], policy, last, bars)


def _bar(occurrence: ScheduleOccurrence) -> RunBar:
    lateness = None if occurrence.skipped else lateness_seconds(occurrence.due_at, occurrence.fired_at)
    height = 6 if lateness is None else next((tall for limit, tall in HEIGHTS if lateness <= limit), 32)
    return RunBar(occurrence, lateness, height)


def account_of_lane(lane: str) -> UUID | None:
    """Return the account whose instance a lane serves; None for other lanes."""
    try:
        return UUID(lane.removeprefix(INSTANCE)) if lane.startswith(INSTANCE) else None
    except ValueError:
        return None
