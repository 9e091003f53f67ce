"""Queues, schedules, workers and customers' instances as they stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from console.answers import Page
from console.visit import Visit
from domain.cron_words import in_words
from domain.misfire import MisfirePolicy
from models.control import Lane, ScheduleOccurrence
from services import queues, schedules
from services.schedules import ScheduleView
from store import lanes, occurrences, workers

MISFIRE: Final = {
    MisfirePolicy.SKIP: "missed instants are left out",
    MisfirePolicy.ONCE: "missed instants run once",
    MisfirePolicy.ALL: "each missed instant runs",
}
INSTANCE: Final = "instance:"


@dataclass(frozen=True, slots=True)
class Timetable:
    """A schedule as the page shows it; `bars` are the last runs, oldest first: seconds late, or None when skipped."""

    view: ScheduleView
    words: str
    misfire: str
    last: Sequence[ScheduleOccurrence]
    bars: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class LaneView:
    """A lane, whose it is, and how many jobs are in it."""

    lane: Lane
    owner: str | None
    url: str | None
    waiting: int


def show_queues(visit: Visit) -> Page:
    """Each queue with its counts and its switch."""
    views = queues.listed(visit.session, visit.deps.jobs.catalogue.queues, visit.now)
    return Page("queues.html", "Queues", {"queues": views}, "queues", live=("_queues",))


def show_schedules(visit: Visit) -> Page:
    """Each schedule in words, with what it did and what it will do."""
    views = schedules.listed(visit.session, visit.now)
    last = occurrences.last(visit.session, [view.schedule.name for view in views])
    tables = [_timetable(view, last[view.schedule.name]) for view in views]
    return Page("schedules.html", "Schedules", {"tables": tables}, "schedules")


def show_workers(visit: Visit) -> Page:
    """Each process, and what runs."""
    values = {"processes": workers.listed(visit.session), "running": workers.running(visit.session)}
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


def late_seconds(due: datetime, fired: datetime) -> float:
    """How late an occurrence was."""
    return max(0.0, (fired - due).total_seconds())


def _timetable(view: ScheduleView, last: Sequence[ScheduleOccurrence]) -> Timetable:
    bars = [None if one.skipped else late_seconds(one.due_at, one.fired_at) for one in reversed(last)]
    policy = MISFIRE[MisfirePolicy(view.schedule.misfire)]
    return Timetable(view, in_words(view.schedule.cron), policy, last, bars)


def _account(lane: str) -> UUID | None:
    """Whose instance a lane leads to."""
    try:
        return UUID(lane.removeprefix(INSTANCE)) if lane.startswith(INSTANCE) else None
    except ValueError:
        return None
