"""Schedules, workers and customers' instances as they stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from console.answers import Page
from console.visit import Visit
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

MISFIRE: Final = {
    MisfirePolicy.SKIP: "missed instants are left out",
    MisfirePolicy.ONCE: "missed instants run once",
    MisfirePolicy.ALL: "each missed instant runs",
}
INSTANCE: Final = "instance:"
HEIGHTS: Final = ((2.0, 8), (10.0, 14), (60.0, 20), (600.0, 26))
"""Seconds late, and how tall the bar is."""


@dataclass(frozen=True, slots=True)
class Timetable:
    """A schedule as the page shows it; `bars` are the last runs, oldest first."""

    view: ScheduleView
    words: str
    misfire: str
    last: Sequence[ScheduleOccurrence]
    bars: Sequence["Mark"]


@dataclass(frozen=True, slots=True)
class Mark:
    """A run: `late` in seconds, None when it was left out; `height` of its bar, of 32."""

    one: ScheduleOccurrence
    late: float | None
    height: int


@dataclass(frozen=True, slots=True)
class Process:
    """A worker: its external jobs under way, and how many transactions it has open; seconds are real time."""

    row: WorkerProcess
    alive: bool
    silent: float
    jobs: Sequence[Job]
    open: int
    open_seconds: float | None
    up_seconds: float


@dataclass(frozen=True, slots=True)
class LaneView:
    """A lane, whose it is, and how many jobs are in it."""

    lane: Lane
    owner: str | None
    url: str | None
    waiting: int


def show_schedules(visit: Visit) -> Page:
    """Each schedule in words, with what it did and what it will do."""
    views = schedules.listed(visit.session, visit.now)
    last = occurrences.last(visit.session, [view.schedule.name for view in views])
    tables = [_timetable(view, last[view.schedule.name]) for view in views]
    return Page("schedules.html", "Schedules", {"tables": tables}, "schedules")


def show_workers(visit: Visit) -> Page:
    """Each process, what it runs and since when."""
    listed, running = workers.listed(visit.session), workers.running(visit.session)
    busy = console_engine.busy(driver(visit.session), [f"{APPLICATION}{one.id}" for one, _, _ in listed])
    up = console_engine.up(driver(visit.session))
    processes = []
    for one, alive, silent in listed:
        mine = [job for job in running if job.worker == one.id]
        count, seconds = busy.get(f"{APPLICATION}{one.id}", (0, None))
        processes.append(Process(one, alive, silent, mine, count, seconds, up.get(one.id, 0.0)))
    known = {one.row.id for one in processes}
    lost = [job for job in running if job.worker not in known]
    values = {"processes": processes, "lost": lost, "here": visit.deps.version}
    return Page("workers.html", "Workers", values, "workers", live=("_workers",))


def show_instances(visit: Visit) -> Page:
    """Each lane with its breaker, those in trouble first."""
    found = lanes.listed(visit.session)
    counts = lanes.waiting(visit.session, [lane.name for lane in found])
    ids = {lane.name: account for lane in found if (account := _account(lane.name)) is not None}
    owners = lanes.owners(visit.session, list(ids.values()))
    views = []
    for lane in found:
        owner, url = owners.get(ids[lane.name], (None, None)) if lane.name in ids else (None, None)
        views.append(LaneView(lane, owner, url, counts.get(lane.name, 0)))
    return Page("instances.html", "Instances", {"lanes": views}, "instances", live=("_instances",))


def show_instance(visit: Visit) -> Page:
    """One lane: its breaker, what waits in it, what went wrong over it. Raises NotFound."""
    lane = visit.session.get(Lane, visit.arrival.params["name"])
    if lane is None:
        raise NotFound
    connection, account = driver(visit.session), _account(lane.name)
    waiting, dead = console_engine.lane_jobs(connection, lane.name)
    errors = console_engine.lane_errors(connection, [job.id for job in [*waiting, *dead]])
    owner, url = lanes.owners(visit.session, [account]).get(account, (None, None)) if account else (None, None)
    values = {
        "lane": lane,
        "owner": owner,
        "url": url,
        "account": account,
        "waiting": waiting,
        "dead": dead,
        "errors": errors,
        "acts": audit.about(visit.session, f"lane:{lane.name}", 20),
    }
    return Page("instance.html", owner or lane.name, values, "instances", live=("_instance",))


def late_seconds(due: datetime, fired: datetime) -> float:
    """How late an occurrence was."""
    return max(0.0, (fired - due).total_seconds())


def _timetable(view: ScheduleView, last: Sequence[ScheduleOccurrence]) -> Timetable:
    bars = [_mark(one) for one in reversed(last)]
    policy = MISFIRE[MisfirePolicy(view.schedule.misfire)]
    return Timetable(view, in_words(view.schedule.cron), policy, last, bars)


def _mark(one: ScheduleOccurrence) -> Mark:
    late = None if one.skipped else late_seconds(one.due_at, one.fired_at)
    height = 6 if late is None else next((tall for most, tall in HEIGHTS if late <= most), 32)
    return Mark(one, late, height)


def _account(lane: str) -> UUID | None:
    """Whose instance a lane leads to."""
    try:
        return UUID(lane.removeprefix(INSTANCE)) if lane.startswith(INSTANCE) else None
    except ValueError:
        return None
