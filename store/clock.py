"""SQL of the test clock, and of what is due at an instant."""

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


def read(driver: Connection[Any]) -> datetime | None:
    """Where the test clock stands; None when it was never set."""
    row = driver.execute(READ).fetchone()
    return None if row is None else row[0]


def move(driver: Connection[Any], now: datetime) -> datetime | None:
    """Set the clock, forward or to where it stands; None when that would be backwards."""
    row = driver.execute(MOVE, (now,)).fetchone()
    return None if row is None else row[0]


def due_jobs(driver: Connection[Any], now: datetime, bound: int) -> dict[str, int]:
    """Jobs by task that are due or running, but for those in paused queues and behind held lanes."""
    return dict(driver.execute(DUE_JOBS, {"now": now, "bound": bound}).fetchall())


def due_schedules(driver: Connection[Any], now: datetime) -> list[str]:
    """Schedules with an occurrence to decide."""
    return [row[0] for row in driver.execute(DUE_SCHEDULES, (now,)).fetchall()]


def due_probes(driver: Connection[Any], now: datetime, bound: int) -> list[str]:
    """Open lanes whose next probe is due."""
    return [row[0] for row in driver.execute(DUE_PROBES, (now, bound)).fetchall()]
