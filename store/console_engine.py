"""SQL of the console's pages about the engine, each bounded: who waits, whose turn it was, what holds a lane."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

TENANTS_MOST: Final = 100
COUNT_MOST: Final = 1_000
TURNS_MOST: Final = 20_000
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
SELECT head.tenant, head.priority, held.count, held.oldest
FROM (SELECT priority, tenant FROM heads LIMIT %(most)s) AS head
CROSS JOIN LATERAL (
    SELECT count(*), min(run_at) AS oldest FROM (
        SELECT run_at FROM jobs WHERE {_WAITS} AND priority = head.priority AND tenant = head.tenant
        ORDER BY id LIMIT %(count)s
    ) AS few
) AS held
"""  # noqa: S608 -- constants
TURNS: Final = """
SELECT tenant, count(*) FROM (
    SELECT tenant FROM jobs_archive WHERE queue = %s AND finished_at > %s LIMIT %s
) AS ended GROUP BY tenant ORDER BY 2 DESC, 1 LIMIT 100
"""
LATE: Final = """
SELECT task, count(*), min(run_at) FROM (
    SELECT task, run_at FROM jobs WHERE state = 'queued' AND NOT held ORDER BY id LIMIT %s
) AS oldest JOIN unnest(%s::text[], %s::float8[]) AS known (name, due) ON name = task
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
    """A tenant's jobs of one priority that wait; `count` ends at 1,000."""

    tenant: str
    priority: int
    count: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class LaneJob:
    """A job in a lane; `held` by another one or by the breaker."""

    id: UUID
    task: str
    state: str
    attempt: int
    held: bool
    run_at: datetime
    says: str | None


@dataclass(frozen=True, slots=True)
class LaneError:
    """An attempt that went wrong over a lane."""

    job_id: UUID
    number: int
    ended_at: datetime
    outcome: str
    says: str | None


def waiting(driver: Connection[Any], queue: str) -> list[Waiting]:
    """Who waits in a queue, the first 100 by priority and tenant."""
    given = {"queue": queue, "most": TENANTS_MOST, "count": COUNT_MOST}
    return driver.cursor(row_factory=class_row(Waiting)).execute(WAITING, given).fetchall()


def turns(driver: Connection[Any], queue: str, since: datetime) -> list[tuple[str, int]]:
    """(tenant, jobs) that ended in a queue since, of 20,000 at most."""
    return driver.execute(TURNS, (queue, since, TURNS_MOST)).fetchall()


def late(driver: Connection[Any], dues: dict[str, float], now: datetime) -> dict[str, tuple[int, datetime]]:
    """By task: how many of the 3,000 oldest waiting jobs are past their due-by (seconds), and the oldest's instant."""
    rows = driver.execute(LATE, (OLDEST, list(dues), list(dues.values()), now)).fetchall()
    return {task: (count, oldest) for task, count, oldest in rows}


def busy(driver: Connection[Any], names: list[str]) -> dict[str, tuple[int, float]]:
    """By application name: open transactions, and how many seconds (real time) the oldest is open."""
    return {name: (count, seconds) for name, count, seconds in driver.execute(BUSY, (names,)).fetchall()}


def up(driver: Connection[Any]) -> dict[str, float]:
    """How many seconds (real time) each worker process has been there."""
    return dict(driver.execute(UP).fetchall())


def lane_jobs(driver: Connection[Any], lane: str) -> tuple[list[LaneJob], list[LaneJob]]:
    """The first 50 unfinished and 20 dead jobs of a lane."""
    cursor = driver.cursor(row_factory=class_row(LaneJob))
    return cursor.execute(LANE_JOBS, (lane,)).fetchall(), cursor.execute(LANE_DEAD, (lane,)).fetchall()


def lane_errors(driver: Connection[Any], job_ids: list[UUID]) -> list[LaneError]:
    """The last 20 attempts of some jobs that went wrong, newest first."""
    return driver.cursor(row_factory=class_row(LaneError)).execute(LANE_ERRORS, (job_ids,)).fetchall()
