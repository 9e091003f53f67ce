"""Queries of metrics, and rollups of finished jobs into buckets of time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from kontor.engine.dead_jobs import dead_jobs
from kontor.kernel.database import PgConnection

Counts = Sequence[tuple[str, int]]

TOTALS: Final = """
SELECT task, outcome, jobs, late, wait_seconds, run_seconds, wait_buckets, run_buckets FROM job_totals
ORDER BY task, outcome
"""
DEAD: Final = f"SELECT task, count(*) FROM (SELECT task FROM {dead_jobs('task')} LIMIT 10000) AS d GROUP BY task"  # noqa: S608 -- constants
LANES: Final = "SELECT state, count(*) FROM lanes GROUP BY state"
WORKERS: Final = """
SELECT count(*), coalesce(sum(threads), 0), coalesce(max(memory_bytes), 0) FROM worker_processes
WHERE heartbeat_at > clock_timestamp() - interval '15 seconds'
"""
SCHEDULES: Final = "SELECT name, extract(epoch FROM %s - next_at)::float8, paused FROM schedules WHERE NOT retired"
MAILS: Final = "SELECT template, state, count(*) FROM mails WHERE id >= %s GROUP BY template, state"
DELIVERIES: Final = "SELECT state, count(*) FROM webhook_deliveries WHERE id >= %s GROUP BY state"
OFFERS: Final = """
SELECT state, count(*) FROM offers WHERE state IN ('waiting', 'waiting_for_confirmation') GROUP BY state
"""

RECIPIENTS: Final = "SELECT state, count(*) FROM mail_recipients WHERE mail_id >= %s GROUP BY state"
# The oldest by id are the oldest by age, except for jobs scheduled long ago; both ends are bounded.
WAITING: Final = """
SELECT task, min(run_at) FROM (
    SELECT task, run_at FROM jobs WHERE state = 'queued' AND NOT held ORDER BY id LIMIT 3000
) AS oldest GROUP BY task
"""
UNPROMOTED: Final = """
SELECT min(run_at) FROM (
    SELECT run_at FROM jobs WHERE state IN ('scheduled', 'retrying') AND run_at <= %s ORDER BY run_at LIMIT 1
) AS first
"""
LEASES: Final = (
    "SELECT count(*), min(started_at) FROM (SELECT started_at FROM jobs WHERE state = 'running' LIMIT 10000) AS r"
)
CONNECTIONS: Final = """
SELECT split_part(substr(application_name, 8), ':', 1), count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name ~ '^kontor[ -]' GROUP BY 1
"""
HELD_MAILS: Final = "SELECT count(*) FROM mails WHERE state = 'held_limit'"
HELD_RUNS: Final = "SELECT count(*) FROM discount_runs WHERE state = 'held'"


class OutcomeTotals(NamedTuple):
    """All-time totals of one task and outcome."""

    task: str
    outcome: str
    jobs: int
    overdue: int
    wait_seconds: float
    run_seconds: float
    wait_buckets: list[int]
    run_buckets: list[int]


def totals(connection: PgConnection) -> list[OutcomeTotals]:
    """Totals by task and outcome."""
    return [OutcomeTotals(*row) for row in connection.execute(TOTALS).fetchall()]


def dead(connection: PgConnection) -> Counts:
    """(task, count) of dead jobs, at most 10,000."""
    return connection.execute(DEAD).fetchall()


def lanes(connection: PgConnection) -> Counts:
    """(state, count) of lanes."""
    return connection.execute(LANES).fetchall()


def workers(connection: PgConnection) -> Sequence[tuple[int, int, int]]:
    """One row: (live processes, their threads, the largest memory in bytes)."""
    return connection.execute(WORKERS).fetchall()


def schedules(connection: PgConnection, now: datetime) -> Sequence[tuple[str, float, bool]]:
    """(name, seconds late (negative: not due yet), paused) of schedules."""
    return connection.execute(SCHEDULES, (now,)).fetchall()


def mails(connection: PgConnection, floor: UUID) -> Sequence[tuple[str, str, int]]:
    """(template, state, count) of mails with an id from `floor` on."""
    return connection.execute(MAILS, (floor,)).fetchall()


def deliveries(connection: PgConnection, floor: UUID) -> Counts:
    """(state, count) of webhook deliveries with an id from `floor` on."""
    return connection.execute(DELIVERIES, (floor,)).fetchall()


def offers(connection: PgConnection) -> Counts:
    """(state, count) of open offers."""
    return connection.execute(OFFERS).fetchall()


def recipients(connection: PgConnection, floor: UUID) -> Counts:
    """(state, count) of the recipients of mails with an id from `floor` on."""
    return connection.execute(RECIPIENTS, (floor,)).fetchall()


def waiting(connection: PgConnection) -> Sequence[tuple[str, datetime]]:
    """(task, oldest due time) among the 3,000 oldest queued jobs."""
    return connection.execute(WAITING).fetchall()


def unpromoted(connection: PgConnection, now: datetime) -> datetime | None:
    """Oldest due time of a due job that the relay has not promoted yet."""
    row = connection.execute(UNPROMOTED, (now,)).fetchone()
    return row[0] if row else None


def leases(connection: PgConnection) -> tuple[int, datetime | None]:
    """Number of jobs under a lease, and the start of the oldest."""
    row = connection.execute(LEASES).fetchone()
    return (row[0], row[1]) if row else (0, None)


def connections(connection: PgConnection) -> Counts:
    """(role, count) of this database's connections by Kontor process role."""
    return connection.execute(CONNECTIONS).fetchall()


def held_runs(connection: PgConnection) -> int:
    """Number of discount runs that wait for an operator."""
    row = connection.execute(HELD_RUNS).fetchone()
    return int(row[0]) if row else 0


def held_mails(connection: PgConnection) -> int:
    """Number of mails that wait for a limit."""
    row = connection.execute(HELD_MAILS).fetchone()
    return int(row[0]) if row else 0


STEPS: Final = (0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0)
"""Upper bounds of the wait histogram, in seconds; the last count holds longer waits."""

_BETWEEN: Final = zip((-1.0, *STEPS), (*STEPS, float("inf")), strict=True)
_WAITS: Final = ", ".join(
    f"count(*) FILTER (WHERE wait > {low} AND wait <= '{high}'::float8)" for low, high in _BETWEEN
)
_ADDED: Final = ", ".join(f"sum(waits[{number}])" for number in range(1, len(STEPS) + 2))
_REPLACE: Final = """
ON CONFLICT (size, starts_at, task, queue) DO UPDATE SET succeeded = excluded.succeeded,
    cancelled = excluded.cancelled, late = excluded.late, wait_sum = excluded.wait_sum, wait_max = excluded.wait_max,
    run_sum = excluded.run_sum, run_max = excluded.run_max, waits = excluded.waits
"""
MINUTES: Final = f"""
INSERT INTO job_rollups (size, starts_at, task, queue, succeeded, cancelled, late, wait_sum, wait_max, run_sum,
    run_max, waits)
SELECT 'minute', date_trunc('minute', finished_at), task, queue, count(*) FILTER (WHERE state = 'succeeded'),
    count(*) FILTER (WHERE state = 'cancelled'), count(*) FILTER (WHERE wait > due), coalesce(sum(wait), 0),
    coalesce(max(wait), 0), coalesce(sum(run), 0), coalesce(max(run), 0), ARRAY[{_WAITS}]
FROM (
    SELECT task, queue, state, finished_at,
        greatest(extract(epoch FROM started_at - greatest(run_at, created_at)), 0)::float8 AS wait,
        greatest(extract(epoch FROM finished_at - started_at), 0)::float8 AS run
    FROM jobs_archive WHERE finished_at >= %(start)s AND finished_at < %(stop)s
) AS ended LEFT JOIN unnest(%(tasks)s::text[], %(dues)s::float8[]) AS policies (task, due) USING (task)
GROUP BY 2, 3, 4 {_REPLACE}
"""  # noqa: S608 -- constants
HOURS: Final = f"""
INSERT INTO job_rollups (size, starts_at, task, queue, succeeded, cancelled, late, wait_sum, wait_max, run_sum,
    run_max, waits)
SELECT 'hour', date_trunc('hour', starts_at), task, queue, sum(succeeded), sum(cancelled), sum(late), sum(wait_sum),
    max(wait_max), sum(run_sum), max(run_max), ARRAY[{_ADDED}]
FROM job_rollups
WHERE size = 'minute' AND starts_at >= date_trunc('hour', %(start)s::timestamptz) AND starts_at < %(stop)s
GROUP BY 2, 3, 4 {_REPLACE}
"""  # noqa: S608 -- constants
LAST: Final = "SELECT max(starts_at) FROM job_rollups WHERE size = 'minute'"
FORGET: Final = "DELETE FROM job_rollups WHERE size = %s AND starts_at < %s"
BY_TASK: Final = f"""
SELECT task, sum(succeeded)::bigint AS succeeded, sum(cancelled)::bigint AS cancelled, sum(late)::bigint AS overdue,
    sum(wait_sum) AS wait_sum, max(wait_max) AS wait_max, sum(run_sum) AS run_sum, max(run_max) AS run_max,
    ARRAY[{_ADDED}]::bigint[] AS waits
FROM job_rollups WHERE size = %s AND starts_at >= %s GROUP BY task ORDER BY 2 DESC, 1
"""  # noqa: S608 -- constants
BY_QUEUE: Final = """
SELECT queue, sum(succeeded + cancelled)::bigint FROM job_rollups WHERE size = %s AND starts_at >= %s GROUP BY queue
"""
SERIES: Final = """
SELECT starts_at, sum(succeeded)::bigint, sum(cancelled)::bigint, sum(late)::bigint FROM job_rollups
WHERE size = %s AND starts_at >= %s AND (%s::text IS NULL OR queue = %s) GROUP BY starts_at
"""


@dataclass(frozen=True, slots=True)
class TaskFigures:
    """Figures of a task in a time range; waits and runs (seconds) cover `succeeded` + `cancelled` jobs."""

    task: str
    succeeded: int
    cancelled: int
    overdue: int
    wait_sum: float
    wait_max: float
    run_sum: float
    run_max: float
    waits: list[int]


def roll(connection: PgConnection, start: datetime, stop: datetime, dues: Mapping[str, float]) -> None:
    """Roll up jobs that ended in [`start`, `stop`) by minute, then the hours that contain them.

    `dues`: seconds after which a task's start is late. Idempotent: a repeat replaces the rows. `start` must be the
    start of a minute.
    """
    params = {"start": start, "stop": stop, "tasks": list(dues), "dues": list(dues.values())}
    connection.execute(MINUTES, params)
    connection.execute(HOURS, params)


def last_minute(connection: PgConnection) -> datetime | None:
    """The newest minute rolled up."""
    row = connection.execute(LAST).fetchone()
    return None if row is None else row[0]


def delete_older(connection: PgConnection, size: str, before: datetime) -> None:
    """Delete old buckets."""
    connection.execute(FORGET, (size, before))


def by_task(connection: PgConnection, size: str, since: datetime) -> list[TaskFigures]:
    """Totals by task, busiest first."""
    return connection.cursor(row_factory=class_row(TaskFigures)).execute(BY_TASK, (size, since)).fetchall()


def by_queue(connection: PgConnection, size: str, since: datetime) -> dict[str, int]:
    """Number of finished jobs by queue."""
    return dict(connection.execute(BY_QUEUE, (size, since)).fetchall())


def series(
    connection: PgConnection, size: str, since: datetime, queue: str | None = None
) -> Sequence[tuple[datetime, int, int, int]]:
    """(bucket, succeeded, cancelled, late) of the buckets with finished jobs."""
    return connection.execute(SERIES, (size, since, queue, queue)).fetchall()
