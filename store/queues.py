"""SQL of queues as they stand: counts that cost no more with a million jobs than with a thousand."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, NamedTuple

from psycopg import Connection

BOUND: Final = 200_000
"""What is counted one by one; more is an estimate."""

PAUSED: Final = "SELECT name FROM queues WHERE paused"
WAITING: Final = """
SELECT q.name, n.count, o.run_at
FROM unnest(%(queues)s::text[]) AS q (name)
CROSS JOIN LATERAL (
    SELECT count(*) AS count FROM (
        SELECT 1 FROM jobs WHERE queue = q.name AND state = 'queued' AND NOT held LIMIT %(bound)s) AS one
) AS n
LEFT JOIN LATERAL (
    SELECT run_at FROM jobs WHERE queue = q.name AND state = 'queued' AND NOT held ORDER BY id LIMIT 1
) AS o ON true
"""
OTHERS: Final = """
SELECT queue, state, count(*), min(run_at) FROM (
    (SELECT queue, state, run_at FROM jobs WHERE state IN ('scheduled', 'retrying') LIMIT %(bound)s)
    UNION ALL (SELECT queue, state, run_at FROM jobs WHERE state = 'running' LIMIT %(bound)s)
    UNION ALL (SELECT queue, state, run_at FROM jobs WHERE state = 'dead' LIMIT %(bound)s)
    UNION ALL (SELECT queue, 'held', run_at FROM jobs
        WHERE lane IS NOT NULL AND state <> 'dead' AND state = 'queued' AND held LIMIT %(bound)s)
) AS found GROUP BY queue, state
"""


class Standing(NamedTuple):
    """How many jobs of a queue are in a state (or `held` by their lane), and since when the oldest is due."""

    queue: str
    state: str
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody calls
    oldest: datetime | None


def paused(driver: Connection[Any]) -> set[str]:
    """The queues that are switched off."""
    return {row[0] for row in driver.execute(PAUSED).fetchall()}


def standing(driver: Connection[Any], queues: Iterable[str]) -> list[Standing]:
    """Counts by queue and state, none above BOUND."""
    found = [Standing(*row) for row in driver.execute(OTHERS, {"bound": BOUND}).fetchall()]
    waiting = driver.execute(WAITING, {"queues": list(queues), "bound": BOUND}).fetchall()
    return [*found, *(Standing(name, "queued", count, oldest) for name, count, oldest in waiting)]
