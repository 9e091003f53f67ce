"""Schedules, workers and customers' instances."""

import calendar
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kontor import audit
from kontor.engine.admin import lanes, overview, queues
from kontor.engine.admin.queues import ScheduleView
from kontor.engine.cron import Cron, CronField, CronItem, parse_cron
from kontor.engine.recovery import APPLICATION_PREFIX
from kontor.kernel.database import psycopg_connection
from kontor.kernel.errors import NotFound
from kontor.kernel.states import MisfirePolicy
from kontor.licences.service import account_of_lane
from kontor.task_types.console import pull_workers
from kontor.ui import texts
from kontor.ui.console_request import ConsoleRequest, TemplateResponse
from models.control import Lane, ScheduleOccurrence, WorkerProcess
from models.jobs import Job

OUTSIDE: Final = ":"
PUSHED: Final = "push:"
"""Workers of attempts outside Kontor have a colon in their names (kontor/engine/outside.py)."""
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
    views = queues.list_schedules(request.session, request.now)
    last = overview.last_occurrences(request.session, [view.schedule.name for view in views])
    tables = [_timetable(view, last[view.schedule.name]) for view in views]
    return TemplateResponse("schedules.html", "Schedules", {"tables": tables}, "schedules")


def show_workers(request: ConsoleRequest) -> TemplateResponse:
    """Show each process with its running jobs."""
    listed, running = overview.list_workers(request.session), overview.running(request.session)
    busy = overview.open_transactions(
        psycopg_connection(request.session), [f"{APPLICATION_PREFIX}{row.id}" for row, _, _ in listed]
    )
    up = overview.uptimes(psycopg_connection(request.session))
    processes = []
    for row, alive, silent in listed:
        mine = [job for job in running if job.worker == row.id]
        count, seconds = busy.get(f"{APPLICATION_PREFIX}{row.id}", (0, None))
        processes.append(Process(row, alive, silent, mine, count, seconds, up.get(row.id, 0.0)))
    ids = {process.row.id for process in processes}
    values = {
        "processes": processes,
        "pullers": pull_workers(request),
        "handlers": [job for job in running if (job.worker or "").startswith(PUSHED)],
        "orphaned": [job for job in running if job.worker not in ids and OUTSIDE not in (job.worker or "")],
        "web_version": request.deps.version,
    }
    return TemplateResponse("workers.html", "Workers", values, "workers", live=("_workers",))


def show_instances(request: ConsoleRequest) -> TemplateResponse:
    """Show each lane with its status, troubled ones first."""
    rows = lanes.list_lanes(request.session)
    counts = lanes.unfinished_by_lane(request.session, [lane.name for lane in rows])
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
    connection, account = psycopg_connection(request.session), account_of_lane(lane.name)
    waiting, dead = overview.lane_jobs(connection, lane.name)
    errors = overview.lane_errors(connection, [job.id for job in [*waiting, *dead]])
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
    words = view.schedule.cron if view.error is not None else describe_cron(view.schedule.cron)
    return Timetable(view, words[0].upper() + words[1:], policy, last, bars)


def _bar(occurrence: ScheduleOccurrence) -> RunBar:
    lateness = None if occurrence.skipped else lateness_seconds(occurrence.due_at, occurrence.fired_at)
    height = 6 if lateness is None else next((tall for limit, tall in HEIGHTS if lateness <= limit), 32)
    return RunBar(occurrence, lateness, height)


_TIMES_LISTED = 6


def describe_cron(cron: str) -> str:
    """Return for example `at 00:05 every day` or `every 15 minutes`; raises `InvalidCron`."""
    parsed = parse_cron(cron)
    return " ".join(part for part in (_time(parsed), _days(parsed), _months(parsed.month)) if part)


def _time(cron: Cron) -> str:
    minutes, hours = _values(cron.minute), _values(cron.hour)
    if minutes and hours and len(minutes) * len(hours) <= _TIMES_LISTED:
        return "at " + _join([f"{hour:02}:{minute:02}" for hour in hours for minute in minutes])
    if cron.hour.every:
        return _minutes(cron.minute, " of every hour")
    if cron.hour.text.startswith("*/") and len(cron.hour.items) == 1:
        return _minutes(cron.minute, f" of every {_ordinal(cron.hour.items[0].step)} hour")
    hours_text = _join([_range(item, "{:02}".format) for item in cron.hour.items])
    return f"{_minutes(cron.minute, '')} in the hours {hours_text}"


def _minutes(field: CronField, of_hour: str) -> str:
    if field.every:
        return "every minute" + (of_hour if of_hour != " of every hour" else "")
    if field.text.startswith("*/") and len(field.items) == 1:
        return f"every {field.items[0].step} minutes" + (of_hour if of_hour != " of every hour" else "")
    return "at minute " + _join([_range(item, str) for item in field.items]) + of_hour


def _days(cron: Cron) -> str:
    if cron.day.every and cron.weekday.every:
        return "" if cron.by_elapsed_time else "every day"
    days = [_day(item) for item in cron.day.items] if not cron.day.every else []
    weekdays = [_range(item, _weekday) for item in cron.weekday.items] if not cron.weekday.every else []
    parts = [f"on {_join(part)}" for part in (days, weekdays) if part]
    return " or ".join(parts)


def _day(item: CronItem) -> str:
    return "the last day of the month" if item.last else "day " + _range(item, str)


def _months(field: CronField) -> str:
    return "" if field.every else "in " + _join([_range(item, _month) for item in field.items])


def _range(item: CronItem, name: Callable[[int], str]) -> str:
    if item.low == item.high:
        return name(item.low)
    text = f"{name(item.low)} to {name(item.high)}"
    return text if item.step == 1 else f"{text} in steps of {item.step}"


def _values(field: CronField) -> list[int]:
    """Return the field's values in order if it is a list of single values, else an empty list."""
    single = all(item.low == item.high for item in field.items)
    return sorted({item.low for item in field.items}) if single else []


def _join(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _ordinal(number: int) -> str:
    return f"{number}{ {2: 'nd', 3: 'rd', 22: 'nd', 23: 'rd', 21: 'st'}.get(number, 'th') }"


def _weekday(number: int) -> str:
    return calendar.day_name[(number + 6) % 7]


def _month(number: int) -> str:
    return calendar.month_name[number]
