"""Overview page: alerts, totals, statistics per task, queues and dead jobs."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from sqlalchemy.orm import Session

from kontor.accounts.instances import customers_of_lanes
from kontor.console import stats
from kontor.discounts import run_admin
from kontor.engine.admin import invariants, job_details, lanes, overview, queues
from kontor.engine.admin.queues import QueueView
from kontor.kernel.database import psycopg_connection
from kontor.monitoring import queries as monitoring_queries
from kontor.reconciliation import service as reconciliation
from kontor.ui import texts
from kontor.ui.console_request import ConsoleRequest, TemplateResponse
from kontor.ui.formatting import span, timeboxed
from models.control import BreakerState, Schedule

LATE_SECONDS: Final = 300
LANES_NAMED: Final = 3
PAGES: Final = {"schedule": "schedules", "lease": "jobs?state=running", "bell": "queues"}
"""Where to look at a broken invariant; at the workers by default."""
STATES: Final = ("scheduled", "queued", "running", "retrying", "dead")
Alerts = list[tuple[str, str]]
"""(sentence, path of the page that helps), most severe first."""


def show_overview(request: ConsoleRequest) -> TemplateResponse:
    """Show the alerts, and the state of queues, workers, lanes and schedules."""
    session = request.session
    views = queues.list_queues(session, request.deps.jobs.catalogue.queues, request.now)
    processes = overview.list_workers(session)
    overdue_schedules = overview.overdue_schedules(session, request.now - timedelta(seconds=LATE_SECONDS))
    open_lanes = lanes.not_closed(session)
    alive = sum(lives for _, lives, _ in processes)
    range_ = stats.RANGES.get(request.incoming.query.get("span", ""), stats.RANGES["hour"])
    dues = {task.policy.name: task.policy.due_by.total_seconds() for task in request.deps.jobs.catalogue}
    overdue_jobs = timeboxed(request, lambda: overview.overdue_by_task(psycopg_connection(session), dues, request.now))
    tasks = monitoring_queries.by_task(psycopg_connection(session), range_.size, range_.begin(request.now))
    alerts = [
        *_queue_alerts(views, alive),
        *_invariant_alerts(request),
        *unsupported_alerts(session),
        *_lane_alerts(session, open_lanes),
        *_schedule_alerts(overdue_schedules),
        *_overdue_alerts(overdue_jobs or {}),
        *_gap_alerts(session),
        *_held_run_alerts(session),
    ]
    values = {
        "stats_range": range_,
        "stats_ranges": stats.RANGES.values(),
        "tasks": stats.task_lines(tasks, range_, dues, overdue_jobs or {}),
        "bars": stats.bars(psycopg_connection(session), range_, request.now),
        "partial": overdue_jobs is None,
        "queues": views,
        "totals": {name: sum(getattr(view, name) for view in views) for name in STATES},
        "alive": alive,
        "silent": len(processes) - alive,
        "open_lanes": open_lanes,
        "overdue_schedules": overdue_schedules,
        "groups": job_details.dead_groups(psycopg_connection(session))[:5],
        "alerts": alerts,
        "oldest_wait": max((view.oldest_queued_seconds or 0.0 for view in views), default=0.0),
    }
    return TemplateResponse("overview.html", "Overview", values, "overview", live=("_overview",))


def _queue_alerts(views: list[QueueView], alive: int) -> Alerts:
    alerts = [] if alive else [(texts.NO_WORKER, "/console/workers")]
    for view in views:
        waited = view.oldest_queued_seconds or 0.0
        if view.paused:
            alerts.append((texts.QUEUE_PAUSED.format(view.name), "/console/queues"))
        elif waited > LATE_SECONDS:
            sentence = texts.QUEUE_BEHIND.format(view.name, span(waited), span(LATE_SECONDS))
            alerts.append((sentence, "/console/queues"))
    dead_jobs = sum(view.dead for view in views)
    if dead_jobs:
        alerts.append((texts.counted(texts.DEAD_JOBS, dead_jobs), "/console/dead"))
    return alerts


def _invariant_alerts(request: ConsoleRequest) -> Alerts:
    """Broken invariants; none when the look takes too long."""
    connection = psycopg_connection(request.session)
    broken = timeboxed(request, lambda: invariants.broken(connection, request.now)) or []
    return [
        (texts.INVARIANTS[entry.name].format(entry.text), f"/console/{PAGES.get(entry.name, 'workers')}")
        for entry in broken
    ]


def unsupported_alerts(session: Session) -> Alerts:
    """Jobs that no running release supports, by task."""
    return [
        (texts.counted(texts.UNKNOWN_TASK_JOBS, count, task), f"/console/jobs?state=queued&task={quote(task)}")
        for task, count in overview.unsupported_by_task(psycopg_connection(session)).items()
    ]


def _lane_alerts(session: Session, open_lanes: int) -> Alerts:
    """One sentence: up to three lanes by name, more by state."""
    if not open_lanes:
        return []
    rows = [lane for lane in lanes.list_lanes(session) if lane.state != BreakerState.CLOSED]
    if open_lanes <= LANES_NAMED:
        names = customers_of_lanes(session, [lane.name for lane in rows])
        parts = [f"{names[lane.name]} ({texts.LANE_STATES[BreakerState(lane.state)]})" for lane in rows]
    else:
        counts = Counter(BreakerState(lane.state) for lane in rows)
        parts = [f"{counts[state]:,} {label}" for state, label in texts.LANE_STATES.items() if counts[state]]
    return [(texts.counted(texts.NOT_RECEIVING, open_lanes, ", ".join(parts)), "/console/instances")]


def _schedule_alerts(schedules: list[Schedule]) -> Alerts:
    return [(texts.SCHEDULE_OVERDUE.format(row.name), "/console/schedules") for row in schedules]


def _overdue_alerts(jobs: Mapping[str, tuple[int, datetime]]) -> Alerts:
    """Jobs that have waited longer than their task allows."""
    return [
        (texts.counted(texts.OVERDUE_JOBS, count, task), f"/console/jobs?state=queued&task={task}")
        for task, (count, _) in sorted(jobs.items())
    ]


def _held_run_alerts(session: Session) -> Alerts:
    """Discount runs that would move too many resellers to go on by themselves."""
    count = run_admin.held(session)
    return [(texts.counted(texts.HELD_RUNS, count), "/console/discount-runs?state=held")] if count else []


def _gap_alerts(session: Session) -> Alerts:
    """Open reconciliation gaps by kind."""
    return [
        (texts.counted(texts.GAP_SENTENCES[kind], count), f"/console/reconciliation?kind={kind.value}")
        for kind, count in reconciliation.counts(session).items()
        if count
    ]
