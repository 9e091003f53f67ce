"""Queue counts at a bounded cost: the same for a million jobs as for a thousand."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, NamedTuple

from psycopg import Connection, sql

BOUND: Final = 10_000
"""Up to this number jobs are counted exactly (console.md); above, the planner's estimate is used."""

PAUSED: Final = "SELECT name FROM queues WHERE paused"
_OPEN: Final = "queue = q.name AND state = 'queued' AND NOT held"
_NEXT: Final = "ORDER BY priority DESC, tenant, id LIMIT 1"
# The oldest among the first jobs of each (priority, tenant): the index is not ordered by age alone.
WAITING: Final = f"""
SELECT q.name, n.count, o.run_at
FROM unnest(%(queues)s::text[]) AS q (name)
CROSS JOIN LATERAL (
    SELECT count(*) AS count FROM (SELECT 1 FROM jobs WHERE {_OPEN} LIMIT %(bound)s) AS counted
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
) AS bounded GROUP BY queue, state
"""


class Standing(NamedTuple):
    """The number of a queue's jobs in a state (or `held` by their lane), and the oldest due time.

    From BOUND on the count is an estimate.
    """

    queue: str
    state: str
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody calls
    oldest: datetime | None


def paused(connection: Connection[Any]) -> set[str]:
    """The names of paused queues."""
    return {row[0] for row in connection.execute(PAUSED).fetchall()}


def standing(connection: Connection[Any], queues: Iterable[str]) -> list[Standing]:
    """Counts by queue and state, exact below BOUND."""
    others = [Standing(*row) for row in connection.execute(OTHERS, {"bound": BOUND}).fetchall()]
    waiting = connection.execute(WAITING, {"queues": list(queues), "bound": BOUND}).fetchall()
    counts = [*others, *(Standing(name, "queued", count, oldest) for name, count, oldest in waiting)]
    totals: Counter[str] = Counter()
    for row in others:
        totals[_group(row.state)] += row.count
    full = [max(row.count, totals[_group(row.state)]) >= BOUND for row in counts]
    return [_estimated(connection, row) if bounded else row for row, bounded in zip(counts, full, strict=True)]


def _group(state: str) -> str:
    """The group of states that share an index and are counted together."""
    return "due" if state in {"scheduled", "retrying"} else state


def _estimated(connection: Connection[Any], row: Standing) -> Standing:
    """Replace the count by the planner's estimate if that is larger."""
    held = row.state == "held"
    state = "queued" if held else row.state
    statement = sql.SQL(ESTIMATE).format(sql.Literal(row.queue), sql.Literal(state), sql.Literal(held))
    plan = connection.execute(statement).fetchone()
    estimate = int(plan[0][0]["Plan"]["Plan Rows"]) if plan else 0
    return row._replace(count=max(BOUND, row.count, estimate))
