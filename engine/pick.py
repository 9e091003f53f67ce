"""Which jobs to ring for next: priority first, then tenants in turn, then age.

A loose index scan over (priority, tenant) finds who waits; a LATERAL top-k takes each tenant's share.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest
from uuid import UUID

from engine.ledger import Driver

HEADS_MOST = 256
_OPEN = "queue = %(queue)s AND state = 'queued' AND NOT held"
# Within a priority the tenants after the one served last come first (lap 0), then the others (lap 1).
_AFTER = f"SELECT priority, 0 AS lap, tenant FROM jobs WHERE {_OPEN} AND tenant > %(turn)s"  # noqa: S608 -- constants
_UP_TO = f"SELECT priority, 1 AS lap, tenant FROM jobs WHERE {_OPEN} AND tenant <= %(turn)s"  # noqa: S608 -- constants
_FIRST = f"""
    SELECT level.priority, start.lap, start.tenant
    FROM (SELECT priority FROM jobs WHERE {_OPEN} AND {{below}} ORDER BY priority DESC LIMIT 1) AS level
    CROSS JOIN LATERAL (
        ({_AFTER} AND priority = level.priority ORDER BY tenant LIMIT 1)
        UNION ALL ({_UP_TO} AND priority = level.priority ORDER BY tenant LIMIT 1)
        LIMIT 1
    ) AS start
"""  # noqa: S608 -- constants
HEADS = f"""
WITH RECURSIVE heads AS (
    ({_FIRST.format(below="true")})
    UNION ALL
    SELECT next.priority, next.lap, next.tenant FROM heads CROSS JOIN LATERAL (
        ({_AFTER} AND heads.lap = 0 AND priority = heads.priority AND tenant > heads.tenant ORDER BY tenant LIMIT 1)
        UNION ALL ({_UP_TO} AND heads.lap = 0 AND priority = heads.priority ORDER BY tenant LIMIT 1)
        UNION ALL
        ({_UP_TO} AND heads.lap = 1 AND priority = heads.priority AND tenant > heads.tenant ORDER BY tenant LIMIT 1)
        UNION ALL ({_FIRST.format(below="priority < heads.priority")})
        LIMIT 1
    ) AS next
)
SELECT priority, tenant FROM heads LIMIT %(most)s
"""  # noqa: S608 -- constants
SHARES = """
SELECT head.priority, head.tenant, job.id, job.task, job.crashes
FROM unnest(%(priorities)s::smallint[], %(tenants)s::text[], %(shares)s::int[])
    WITH ORDINALITY AS head (priority, tenant, share, place)
CROSS JOIN LATERAL (
    SELECT id, task, crashes FROM jobs
    WHERE queue = %(queue)s AND state = 'queued' AND NOT held
        AND priority = head.priority AND tenant = head.tenant
    ORDER BY id LIMIT head.share
) AS job
ORDER BY head.place, job.id
"""


@dataclass(frozen=True, slots=True)
class Picked:
    """A job to ring for. `crashes`: how many workers died while it was in hand."""

    id: UUID
    task: str
    tenant: str
    priority: int
    crashes: int


def pick(
    driver: Driver,
    queue: str,
    want: int,
    outstanding: Mapping[str, int],
    fresh: Callable[[UUID], bool],
    turn: str = "",
    *,
    newcomers: bool = False,
) -> list[Picked]:
    """Up to `want` jobs of a queue that have no doorbell out. `turn`: the tenant served last.

    With `newcomers` only tenants without a doorbell are looked at.
    """
    given = {"queue": queue, "most": HEADS_MOST, "turn": turn}
    heads: list[tuple[int, str]] = driver.execute(HEADS, given).fetchall()
    if newcomers:
        heads = [(priority, tenant) for priority, tenant in heads if not outstanding.get(tenant)]
    if not heads:
        return []
    peers: dict[int, int] = {}
    for priority, _ in heads:
        peers[priority] = peers.get(priority, 0) + 1
    shares = [-(-want // peers[p]) + outstanding.get(tenant, 0) for p, tenant in heads]
    rows = driver.execute(
        SHARES,
        {
            "queue": queue,
            "priorities": [priority for priority, _ in heads],
            "tenants": [tenant for _, tenant in heads],
            "shares": shares,
        },
    ).fetchall()
    jobs = [Picked(row[2], row[3], row[1], row[0], row[4]) for row in rows if fresh(row[2])]
    return in_turn(jobs, turn)[:want]


def in_turn(jobs: Sequence[Picked], turn: str) -> list[Picked]:
    """Order by priority; within one, deal the tenants round robin, starting after `turn`."""
    ordered: list[Picked] = []
    for _, level in groupby(jobs, key=lambda job: job.priority):
        hands = [list(hand) for _, hand in groupby(level, key=lambda job: job.tenant)]
        hands.sort(key=lambda hand: (hand[0].tenant <= turn, hand[0].tenant))
        for trick in zip_longest(*hands):
            ordered.extend(job for job in trick if job is not None)
    return ordered
