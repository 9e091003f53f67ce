"""Selects the next jobs to dispatch: by priority, then round robin over tenants, then by age.

A loose index scan over (priority, tenant) lists the waiting tenants; a LATERAL top-k takes each tenant's share.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest
from uuid import UUID

from engine.ledger import Driver

MAX_HEADS = 256
_OPEN = "queue = %(queue)s AND state = 'queued' AND NOT held"
# Within a priority, tenants after the last served one come first (lap 0), then the others (lap 1).
_AFTER = f"SELECT priority, 0 AS lap, tenant FROM jobs WHERE {_OPEN} AND tenant > %(last_served)s"  # noqa: S608 -- constants
_UP_TO = f"SELECT priority, 1 AS lap, tenant FROM jobs WHERE {_OPEN} AND tenant <= %(last_served)s"  # noqa: S608 -- constants
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
SELECT priority, tenant FROM heads LIMIT %(limit)s
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
    """A job to dispatch. `crashes`: how many workers died while running it."""

    id: UUID
    task: str
    tenant: str
    priority: int
    crashes: int


def pick(
    connection: Driver,
    queue: str,
    limit: int,
    outstanding: Mapping[str, int],
    dispatchable: Callable[[UUID], bool],
    last_served: str = "",
    *,
    new_tenants_only: bool = False,
) -> list[Picked]:
    """Return up to `limit` jobs of a queue for which no doorbell is outstanding.

    `new_tenants_only` restricts the choice to tenants without an outstanding doorbell.
    """
    params = {"queue": queue, "limit": MAX_HEADS, "last_served": last_served}
    heads: list[tuple[int, str]] = connection.execute(HEADS, params).fetchall()
    if new_tenants_only:
        heads = [(priority, tenant) for priority, tenant in heads if not outstanding.get(tenant)]
    if not heads:
        return []
    peers: dict[int, int] = {}
    for priority, _ in heads:
        peers[priority] = peers.get(priority, 0) + 1
    shares = [-(-limit // peers[p]) + outstanding.get(tenant, 0) for p, tenant in heads]
    rows = connection.execute(
        SHARES,
        {
            "queue": queue,
            "priorities": [priority for priority, _ in heads],
            "tenants": [tenant for _, tenant in heads],
            "shares": shares,
        },
    ).fetchall()
    jobs = [Picked(row[2], row[3], row[1], row[0], row[4]) for row in rows if dispatchable(row[2])]
    return in_turn(jobs, last_served)[:limit]


def in_turn(jobs: Sequence[Picked], last_served: str) -> list[Picked]:
    """Order by priority, within one by tenant round robin, starting after `last_served`."""
    ordered: list[Picked] = []
    for _, level in groupby(jobs, key=lambda job: job.priority):
        tenants = [list(waiting) for _, waiting in groupby(level, key=lambda job: job.tenant)]
        tenants.sort(key=lambda waiting: (waiting[0].tenant <= last_served, waiting[0].tenant))
        for round_jobs in zip_longest(*tenants):
            ordered.extend(job for job in round_jobs if job is not None)
    return ordered
