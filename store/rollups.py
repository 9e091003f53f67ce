"""Rollups of finished jobs in time buckets: written by a job, read by console pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import Connection
from psycopg.rows import class_row

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
SELECT task, sum(succeeded)::bigint AS succeeded, sum(cancelled)::bigint AS cancelled, sum(late)::bigint AS late,
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
    late: int
    wait_sum: float
    wait_max: float
    run_sum: float
    run_max: float
    waits: list[int]


def roll(connection: Connection[Any], start: datetime, stop: datetime, dues: Mapping[str, float]) -> None:
    """Roll up jobs that ended in [`start`, `stop`) by minute, then the hours that contain them.

    `dues`: seconds after which a task's start is late. Idempotent: a repeat replaces the rows. `start` must be the
    start of a minute.
    """
    params = {"start": start, "stop": stop, "tasks": list(dues), "dues": list(dues.values())}
    connection.execute(MINUTES, params)
    connection.execute(HOURS, params)


def last(connection: Connection[Any]) -> datetime | None:
    """The newest minute rolled up."""
    row = connection.execute(LAST).fetchone()
    return None if row is None else row[0]


def forget(connection: Connection[Any], size: str, before: datetime) -> None:
    """Delete old buckets."""
    connection.execute(FORGET, (size, before))


def by_task(connection: Connection[Any], size: str, since: datetime) -> list[TaskFigures]:
    """Totals by task, busiest first."""
    return connection.cursor(row_factory=class_row(TaskFigures)).execute(BY_TASK, (size, since)).fetchall()


def by_queue(connection: Connection[Any], size: str, since: datetime) -> dict[str, int]:
    """Number of finished jobs by queue."""
    return dict(connection.execute(BY_QUEUE, (size, since)).fetchall())


def series(
    connection: Connection[Any], size: str, since: datetime, queue: str | None = None
) -> Sequence[tuple[datetime, int, int, int]]:
    """(bucket, succeeded, cancelled, late) of the buckets with finished jobs."""
    return connection.execute(SERIES, (size, since, queue, queue)).fetchall()
