"""Bounded queries of the console's engine pages: waiting tenants, fairness, lateness, lanes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

MAX_TENANTS: Final = 100
COUNT_MOST: Final = 1_000
MAX_FINISHED: Final = 20_000
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
FROM pg_stat_activity WHERE application_name = ANY(%s) AND xact_start IS NOT NULL GROUP BY application_name
"""
UP: Final = "SELECT id, extract(epoch FROM clock_timestamp() - started_at)::float8 FROM worker_processes"
LANE_JOBS: Final = """
SELECT id, task, state, attempt, held, run_at, error ->> 'message' AS says FROM jobs
WHERE lane = %s AND state <> 'dead' ORDER BY id LIMIT 50
"""
LANE_DEAD: Final = """
SELECT id, task, state, attempt, held, run_at, error ->> 'message' AS says FROM jobs
WHERE state = 'dead' AND lane = %s ORDER BY fingerprint, id LIMIT 20
"""
LANE_ERRORS: Final = """
SELECT a.job_id, a.number, a.ended_at, a.outcome, a.error ->> 'message' AS says
FROM job_attempts AS a WHERE a.job_id = ANY(%s::uuid[]) ORDER BY a.ended_at DESC LIMIT 20
"""


@dataclass(frozen=True, slots=True)
class Waiting:
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


def waiting(connection: Connection[Any], queue: str) -> list[Waiting]:
    """The waiting tenants of a queue, the first 100 by priority and tenant."""
    params = {"queue": queue, "most": MAX_TENANTS, "count": COUNT_MOST}
    return connection.cursor(row_factory=class_row(Waiting)).execute(WAITING, params).fetchall()


def turns(connection: Connection[Any], queue: str, since: datetime) -> list[tuple[str, int]]:
    """(tenant, number of jobs) finished in a queue since an instant, out of at most 20,000 jobs."""
    return connection.execute(TURNS, (queue, since, MAX_FINISHED)).fetchall()


def late(connection: Connection[Any], dues: dict[str, float], now: datetime) -> dict[str, tuple[int, datetime]]:
    """By task: how many of the 3,000 oldest waiting jobs exceed their due-by (seconds), and the oldest due time."""
    rows = connection.execute(LATE, (OLDEST, list(dues), list(dues.values()), now)).fetchall()
    return {task: (count, oldest) for task, count, oldest in rows}


def busy(connection: Connection[Any], names: list[str]) -> dict[str, tuple[int, float]]:
    """By application name: the number of open transactions, and the age of the oldest in seconds (real time)."""
    return {name: (count, seconds) for name, count, seconds in connection.execute(BUSY, (names,)).fetchall()}


def up(connection: Connection[Any]) -> dict[str, float]:
    """Uptime of each worker process in seconds (real time)."""
    return dict(connection.execute(UP).fetchall())


def lane_jobs(connection: Connection[Any], lane: str) -> tuple[list[LaneJob], list[LaneJob]]:
    """The first 50 unfinished and 20 dead jobs of a lane."""
    cursor = connection.cursor(row_factory=class_row(LaneJob))
    return cursor.execute(LANE_JOBS, (lane,)).fetchall(), cursor.execute(LANE_DEAD, (lane,)).fetchall()


def lane_errors(connection: Connection[Any], job_ids: list[UUID]) -> list[LaneError]:
    """The last 20 failed attempts of some jobs, newest first."""
    return connection.cursor(row_factory=class_row(LaneError)).execute(LANE_ERRORS, (job_ids,)).fetchall()
