"""SQL of queues as they stand: counts that cost no more with a million jobs than with a thousand."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, NamedTuple

from psycopg import Connection, sql

BOUND: Final = 10_000
"""What is counted one by one (console.md); above it stands the planner's estimate."""

PAUSED: Final = "SELECT name FROM queues WHERE paused"
_OPEN: Final = "queue = q.name AND state = 'queued' AND NOT held"
_NEXT: Final = "ORDER BY priority DESC, tenant, id LIMIT 1"
# The oldest is the oldest of the first of each (priority, tenant): the index has no order by age alone.
WAITING: Final = f"""
SELECT q.name, n.count, o.run_at
FROM unnest(%(queues)s::text[]) AS q (name)
CROSS JOIN LATERAL (
    SELECT count(*) AS count FROM (SELECT 1 FROM jobs WHERE {_OPEN} LIMIT %(bound)s) AS one
) AS n
LEFT JOIN LATERAL (
    WITH RECURSIVE heads AS (
        (SELECT priority, tenant, id, run_at FROM jobs WHERE {_OPEN} {_NEXT})
        UNION ALL
        SELECT next.* FROM heads CROSS JOIN LATERAL (
            (SELECT priority, tenant, id, run_at FROM jobs
                WHERE {_OPEN} AND priority = heads.priority AND tenant > heads.tenant {_NEXT})
            UNION ALL
            (SELECT priority, tenant, id, run_at FROM jobs WHERE {_OPEN} AND priority < heads.priority {_NEXT})
            LIMIT 1
        ) AS next
    )
    SELECT run_at FROM (SELECT id, run_at FROM heads LIMIT 1000) AS head ORDER BY id LIMIT 1
) AS o ON n.count > 0
"""  # noqa: S608 -- constants
ESTIMATE: Final = "EXPLAIN (FORMAT JSON) SELECT 1 FROM jobs WHERE queue = {} AND state = {} AND held = {}"
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
    """How many jobs of a queue are in a state (or `held` by their lane), and since when the oldest is due.

    From BOUND on the count is an estimate.
    """

    queue: str
    state: str
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody calls
    oldest: datetime | None


def paused(driver: Connection[Any]) -> set[str]:
    """The queues that are switched off."""
    return {row[0] for row in driver.execute(PAUSED).fetchall()}


def standing(driver: Connection[Any], queues: Iterable[str]) -> list[Standing]:
    """Counts by queue and state, exact below BOUND."""
    others = [Standing(*row) for row in driver.execute(OTHERS, {"bound": BOUND}).fetchall()]
    waiting = driver.execute(WAITING, {"queues": list(queues), "bound": BOUND}).fetchall()
    found = [*others, *(Standing(name, "queued", count, oldest) for name, count, oldest in waiting)]
    totals: Counter[str] = Counter()
    for one in others:
        totals[_group(one.state)] += one.count
    full = [max(one.count, totals[_group(one.state)]) >= BOUND for one in found]
    return [_estimated(driver, one) if bounded else one for one, bounded in zip(found, full, strict=True)]


def _group(state: str) -> str:
    """Which states are counted together: they share an index."""
    return "due" if state in {"scheduled", "retrying"} else state


def _estimated(driver: Connection[Any], one: Standing) -> Standing:
    """What the planner believes, when that is more than was counted."""
    held = one.state == "held"
    state = "queued" if held else one.state
    asked = sql.SQL(ESTIMATE).format(sql.Literal(one.queue), sql.Literal(state), sql.Literal(held))
    row = driver.execute(asked).fetchone()
    believed = int(row[0][0]["Plan"]["Plan Rows"]) if row else 0
    return one._replace(count=max(BOUND, one.count, believed))
