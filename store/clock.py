"""Queries of the test clock, and of work due at an instant."""

from datetime import datetime
from typing import Any, Final

from psycopg import Connection

READ: Final = "SELECT now FROM clock WHERE id = 1"
MOVE: Final = """
INSERT INTO clock (id, now) VALUES (1, %s)
ON CONFLICT (id) DO UPDATE SET now = excluded.now WHERE clock.now <= excluded.now
RETURNING now
"""
DUE_JOBS: Final = """
SELECT task, count(*) FROM (
    (SELECT task, queue FROM jobs WHERE state = 'queued' AND NOT held LIMIT %(bound)s)
    UNION ALL (SELECT task, queue FROM jobs
        WHERE state IN ('scheduled', 'retrying') AND run_at <= %(now)s LIMIT %(bound)s)
    UNION ALL (SELECT task, NULL FROM jobs WHERE state = 'running' LIMIT %(bound)s)
) AS due
WHERE queue IS NULL OR queue NOT IN (SELECT name FROM queues WHERE paused)
GROUP BY task ORDER BY task
"""
DUE_SCHEDULES: Final = "SELECT name FROM schedules WHERE next_at <= %s AND NOT retired ORDER BY name"
DUE_PROBES: Final = "SELECT name FROM lanes WHERE state = 'open' AND probe_at <= %s ORDER BY name LIMIT %s"


def read(connection: Connection[Any]) -> datetime | None:
    """Return the test clock's time; None when it was never set."""
    row = connection.execute(READ).fetchone()
    return None if row is None else row[0]


def move(connection: Connection[Any], now: datetime) -> datetime | None:
    """Set the clock forward, or to its current time; None when `now` is earlier."""
    row = connection.execute(MOVE, (now,)).fetchone()
    return None if row is None else row[0]


def due_jobs(connection: Connection[Any], now: datetime, bound: int) -> dict[str, int]:
    """Count due or running jobs by task, without those in paused queues or held lanes."""
    return dict(connection.execute(DUE_JOBS, {"now": now, "bound": bound}).fetchall())


def due_schedules(connection: Connection[Any], now: datetime) -> list[str]:
    """Return the schedules with a due occurrence."""
    return [row[0] for row in connection.execute(DUE_SCHEDULES, (now,)).fetchall()]


def due_probes(connection: Connection[Any], now: datetime, bound: int) -> list[str]:
    """Return the open lanes with a due probe."""
    return [row[0] for row in connection.execute(DUE_PROBES, (now, bound)).fetchall()]
