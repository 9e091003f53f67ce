"""Queries of the console's engine pages, each bounded: tenants, lanes, schedules, workers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.rows import class_row
from sqlalchemy import cast, func, select, text, true
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Session, aliased, defer

from kontor.engine.dead_jobs import dead_jobs
from kontor.kernel.database import PgConnection
from models.control import Schedule, ScheduleOccurrence, WorkerProcess
from models.jobs import Job

MAX_TENANTS: Final = 100
COUNT_MOST: Final = 1_000
MAX_FINISHED: Final = 20_000
MAX_UNSUPPORTED: Final = 100_000
OLDEST: Final = 3_000

_WAITS: Final = "queue = %(queue)s AND state = 'queued' AND NOT held"
WAITING: Final = f"""
WITH RECURSIVE heads AS (
    (SELECT priority, tenant FROM jobs WHERE {_WAITS} ORDER BY priority DESC, tenant LIMIT 1)
    UNION ALL
    SELECT following.priority, following.tenant FROM heads CROSS JOIN LATERAL (
        (SELECT priority, tenant FROM jobs WHERE {_WAITS} AND priority = heads.priority AND tenant > heads.tenant
            ORDER BY tenant LIMIT 1)
        UNION ALL
        (SELECT priority, tenant FROM jobs WHERE {_WAITS} AND priority < heads.priority
            ORDER BY priority DESC, tenant LIMIT 1)
        LIMIT 1
    ) AS following
)
SELECT head.tenant, head.priority, waiting.count, waiting.oldest
FROM (SELECT priority, tenant FROM heads LIMIT %(most)s) AS head
CROSS JOIN LATERAL (
    SELECT count(*), min(run_at) AS oldest FROM (
        SELECT run_at FROM jobs WHERE {_WAITS} AND priority = head.priority AND tenant = head.tenant
        ORDER BY id LIMIT %(count)s
    ) AS first_jobs
) AS waiting
"""  # noqa: S608 -- constants
TURNS: Final = """
SELECT tenant, count(*) FROM (
    SELECT tenant FROM jobs_archive WHERE queue = %s AND finished_at > %s LIMIT %s
) AS ended GROUP BY tenant ORDER BY 2 DESC, 1 LIMIT 100
"""
LATE: Final = """
SELECT task, count(*), min(run_at) FROM (
    SELECT task, run_at FROM jobs WHERE state = 'queued' AND NOT held ORDER BY id LIMIT %s
) AS oldest JOIN unnest(%s::text[], %s::float8[]) AS policies (name, due) ON name = task
WHERE run_at < %s::timestamptz - make_interval(secs => due) GROUP BY task
"""
BUSY: Final = """
SELECT application_name, count(*), extract(epoch FROM clock_timestamp() - min(xact_start))::float8
FROM pg_stat_activity
WHERE datname = current_database() AND application_name = ANY(%s) AND xact_start IS NOT NULL GROUP BY application_name
"""
UP: Final = "SELECT id, extract(epoch FROM clock_timestamp() - started_at)::float8 FROM worker_processes"
UNSUPPORTED: Final = """
SELECT task, count(*) FROM (
    SELECT task FROM jobs
    WHERE unsupported AND task NOT IN (SELECT name FROM task_types WHERE document ->> 'handler' = 'pull')
    ORDER BY task LIMIT %s
) AS counted GROUP BY task
"""
LANE_JOBS: Final = """
SELECT id, task, state, attempt, held, run_at, error ->> 'message' AS says FROM jobs
WHERE lane = %s AND state <> 'dead' ORDER BY id LIMIT 50
"""
LANE_DEAD: Final = f"""
SELECT id, task, state, attempt, false AS held, run_at, error ->> 'message' AS says
FROM {dead_jobs("id, task, state, attempt, run_at, error, lane, fingerprint")}
WHERE lane = %s ORDER BY fingerprint, id LIMIT 20
"""  # noqa: S608 -- constants
LANE_ERRORS: Final = """
SELECT a.job_id, a.number, a.ended_at, a.outcome, a.error ->> 'message' AS says
FROM job_attempts AS a WHERE a.job_id = ANY(%s::uuid[]) ORDER BY a.ended_at DESC LIMIT 20
"""


@dataclass(frozen=True, slots=True)
class WaitingTenant:
    """A tenant's waiting jobs of one priority; `count` is at most 1,000."""

    tenant: str
    priority: int
    count: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class LaneJob:
    """A job in a lane; `held` by another job or by the breaker."""

    id: UUID
    task: str
    state: str
    attempt: int
    held: bool
    run_at: datetime
    says: str | None


@dataclass(frozen=True, slots=True)
class LaneError:
    """A failed attempt of a job in a lane."""

    job_id: UUID
    number: int
    ended_at: datetime
    outcome: str
    says: str | None


def waiting(connection: PgConnection, queue: str) -> list[WaitingTenant]:
    """The waiting tenants of a queue, the first 100 by priority and tenant."""
    params = {"queue": queue, "most": MAX_TENANTS, "count": COUNT_MOST}
    return connection.cursor(row_factory=class_row(WaitingTenant)).execute(WAITING, params).fetchall()


def finished_by_tenant(connection: PgConnection, queue: str, since: datetime) -> list[tuple[str, int]]:
    """(tenant, number of jobs) finished in a queue since an instant, out of at most 20,000 jobs."""
    return connection.execute(TURNS, (queue, since, MAX_FINISHED)).fetchall()


def overdue_by_task(connection: PgConnection, dues: dict[str, float], now: datetime) -> dict[str, tuple[int, datetime]]:
    """By task: how many of the 3,000 oldest waiting jobs exceed their due-by (seconds), and the oldest due time."""
    rows = connection.execute(LATE, (OLDEST, list(dues), list(dues.values()), now)).fetchall()
    return {task: (count, oldest) for task, count, oldest in rows}


def unsupported_by_task(connection: PgConnection) -> dict[str, int]:
    """By task: how many jobs no running release supports, at most 100,000 in all."""
    return dict(connection.execute(UNSUPPORTED, (MAX_UNSUPPORTED,)).fetchall())


def open_transactions(connection: PgConnection, names: list[str]) -> dict[str, tuple[int, float]]:
    """By application name: the number of open transactions, and the age of the oldest in seconds (real time)."""
    return {name: (count, seconds) for name, count, seconds in connection.execute(BUSY, (names,)).fetchall()}


def uptimes(connection: PgConnection) -> dict[str, float]:
    """Uptime of each worker process in seconds (real time)."""
    return dict(connection.execute(UP).fetchall())


def lane_jobs(connection: PgConnection, lane: str) -> tuple[list[LaneJob], list[LaneJob]]:
    """The first 50 unfinished and 20 dead jobs of a lane."""
    cursor = connection.cursor(row_factory=class_row(LaneJob))
    return cursor.execute(LANE_JOBS, (lane,)).fetchall(), cursor.execute(LANE_DEAD, (lane,)).fetchall()


def lane_errors(connection: PgConnection, job_ids: list[UUID]) -> list[LaneError]:
    """The last 20 failed attempts of some jobs, newest first."""
    return connection.cursor(row_factory=class_row(LaneError)).execute(LANE_ERRORS, (job_ids,)).fetchall()


SHOWN_OCCURRENCES: Final = 12


def overdue_schedules(session: Session, before: datetime) -> list[Schedule]:
    """Return the schedules that were due before an instant and have not fired."""
    conditions = (Schedule.next_at < before, ~Schedule.paused, ~Schedule.retired)
    return list(session.scalars(select(Schedule).where(*conditions).order_by(Schedule.next_at)))


def last_occurrences(
    session: Session, names: Sequence[str], count: int = SHOWN_OCCURRENCES
) -> dict[str, list[ScheduleOccurrence]]:
    """Return the last occurrences of each schedule, newest first."""
    names_table = select(func.unnest(cast(list(names), ARRAY(TEXT))).label("name")).subquery()
    newest = (
        select(ScheduleOccurrence)
        .where(ScheduleOccurrence.schedule == names_table.c.name)
        .order_by(ScheduleOccurrence.due_at.desc())
        .limit(count)
        .lateral()
    )
    row = aliased(ScheduleOccurrence, newest)
    by_schedule: dict[str, list[ScheduleOccurrence]] = {name: [] for name in names}
    for occurrence in session.scalars(select(row).select_from(names_table).join(row, true())):
        by_schedule[occurrence.schedule].append(occurrence)
    return by_schedule


ALIVE: Final = text("interval '15 seconds'")
SHOWN_WORKERS: Final = 500


def list_workers(session: Session) -> list[tuple[WorkerProcess, bool, float]]:
    """Return (process, is alive, seconds since its heartbeat), by host and pid."""
    silent = func.clock_timestamp() - WorkerProcess.heartbeat_at
    seconds = func.extract("epoch", silent)
    query = select(WorkerProcess, silent < ALIVE, seconds).order_by(WorkerProcess.host, WorkerProcess.pid)
    return [(row[0], bool(row[1]), max(0.0, float(row[2]))) for row in session.execute(query)]


def running(session: Session) -> list[Job]:
    """Return the running jobs, longest-running first."""
    query = (
        select(Job)
        .options(defer(Job.payload, raiseload=True))
        .where(Job.state == "running")
        .order_by(Job.started_at)
        .limit(SHOWN_WORKERS)
    )
    return list(session.scalars(query))
