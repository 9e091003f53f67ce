"""The first page: is anything late, stuck or wrong."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from console import figures
from console.answers import Page
from console.partial import bounded
from console.visit import Visit
from engine.driver import driver
from models.control import Schedule
from services import queues
from services.queues import QueueView
from services.reconciliation import reconciling
from store import console_engine, dead, lanes, occurrences, rollups, workers

LATE_SECONDS: Final = 300


def show_overview(visit: Visit) -> Page:
    """Queues, workers, lanes and schedules as they stand, and in words what is wrong."""
    session = visit.session
    views = queues.listed(session, visit.deps.jobs.catalogue.queues, visit.now)
    processes = workers.listed(session)
    late = occurrences.overdue(session, visit.now - timedelta(seconds=LATE_SECONDS))
    open_lanes = lanes.not_closed(session)
    alive = sum(lives for _, lives, _ in processes)
    span = figures.SPANS.get(visit.arrival.query.get("span", ""), figures.SPANS["hour"])
    dues = {one.policy.name: one.policy.due_by.total_seconds() for one in visit.deps.jobs.catalogue}
    late_jobs = bounded(visit, lambda: console_engine.late(driver(session), dues, visit.now))
    tasks = rollups.by_task(driver(session), span.size, span.begin(visit.now))
    values = {
        "span": span,
        "spans": figures.SPANS.values(),
        "tasks": figures.task_lines(tasks, span, dues, late_jobs or {}),
        "bars": figures.bars(driver(session), span, visit.now),
        "partial": late_jobs is None,
        "queues": views,
        "totals": {name: sum(getattr(view, name) for view in views) for name in STATES},
        "alive": alive,
        "lost": len(processes) - alive,
        "open_lanes": open_lanes,
        "late_schedules": late,
        "groups": dead.groups(driver(session))[:5],
        "wrong": [*_wrong(views, alive, open_lanes, late), *_late(late_jobs or {}), *_missing(visit)],
        "worst": max((view.oldest_queued_seconds or 0.0 for view in views), default=0.0),
    }
    return Page("overview.html", "Overview", values, "overview", live=("_overview",))


STATES: Final = ("scheduled", "queued", "running", "retrying", "dead")


def _late(jobs: Mapping[str, tuple[int, datetime]]) -> list[tuple[str, str]]:
    """What waits longer than its task allows."""
    found = []
    for task, (count, _) in sorted(jobs.items()):
        words = "job waits" if count == 1 else "jobs wait"
        found.append(
            (f"{count:,} {task} {words} longer than the task allows.", f"/console/jobs?state=queued&task={task}")
        )
    return found


def _missing(visit: Visit) -> list[tuple[str, str]]:
    """What reconciliation found not to exist."""
    counts = reconciling.counts(visit.session)
    return [
        (f"{count:,} missing: {kind.value}.", f"/console/reconciliation?kind={kind.value}")
        for kind, count in counts.items()
        if count
    ]


def _wrong(views: list[QueueView], alive: int, open_lanes: int, late: list[Schedule]) -> list[tuple[str, str]]:
    """(what is wrong, where to look), the gravest first; empty when all is well."""
    found = []
    if not alive:
        found.append(("No worker is alive: nothing runs.", "/console/workers"))
    for view in views:
        if view.paused:
            found.append((f"The queue {view.name} is paused.", "/console/queues"))
        elif (view.oldest_queued_seconds or 0.0) > LATE_SECONDS:
            found.append((f"The queue {view.name} is late: its oldest job waits too long.", "/console/queues"))
    buried = sum(view.dead for view in views)
    if buried:
        found.append((f"{buried} dead {'job waits' if buried == 1 else 'jobs wait'} for a person.", "/console/dead"))
    if open_lanes:
        words = "lane does" if open_lanes == 1 else "lanes do"
        found.append((f"{open_lanes} {words} not deliver: the other side is down, or held.", "/console/instances"))
    found += [(f"The schedule {row.name} is overdue.", "/console/schedules") for row in late]
    return found
