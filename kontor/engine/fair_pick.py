"""The relay's in-memory state: which jobs are dispatched, and how many jobs a doorbell may carry."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby, zip_longest
from typing import NamedTuple, Protocol
from uuid import UUID

from kontor.kernel.database import PgConnection
from kontor.kernel.doorbells import Doorbell, DoorbellResult

MAX_HEADS = 256


class PickScope(NamedTuple):
    """From which jobs a pick chooses: the statements that find the first of each tenant, and some of each."""

    heads: str
    shares: str


def scope_of(waiting: str) -> PickScope:
    """Build the statements over the jobs of a condition; an index has them by (priority DESC, tenant, id).

    Within a priority, tenants after the last served one come first (lap 0), then the others (lap 1).
    """
    after = f"SELECT priority, 0 AS lap, tenant FROM jobs WHERE {waiting} AND tenant > %(last_served)s"  # noqa: S608 -- constants
    up_to = f"SELECT priority, 1 AS lap, tenant FROM jobs WHERE {waiting} AND tenant <= %(last_served)s"  # noqa: S608 -- constants
    first = f"""
    SELECT level.priority, start.lap, start.tenant
    FROM (SELECT priority FROM jobs WHERE {waiting} AND {{below}} ORDER BY priority DESC LIMIT 1) AS level
    CROSS JOIN LATERAL (
        ({after} AND priority = level.priority ORDER BY tenant LIMIT 1)
        UNION ALL ({up_to} AND priority = level.priority ORDER BY tenant LIMIT 1)
        LIMIT 1
    ) AS start
"""  # noqa: S608 -- constants
    heads = f"""
WITH RECURSIVE heads AS (
    ({first.format(below="true")})
    UNION ALL
    SELECT next.priority, next.lap, next.tenant FROM heads CROSS JOIN LATERAL (
        ({after} AND heads.lap = 0 AND priority = heads.priority AND tenant > heads.tenant ORDER BY tenant LIMIT 1)
        UNION ALL ({up_to} AND heads.lap = 0 AND priority = heads.priority ORDER BY tenant LIMIT 1)
        UNION ALL
        ({up_to} AND heads.lap = 1 AND priority = heads.priority AND tenant > heads.tenant ORDER BY tenant LIMIT 1)
        UNION ALL ({first.format(below="priority < heads.priority")})
        LIMIT 1
    ) AS next
)
SELECT priority, tenant FROM heads LIMIT %(limit)s
"""  # noqa: S608 -- constants
    return PickScope(heads, SHARES.format(waiting=waiting))


SHARES = """
SELECT head.priority, head.tenant, job.id, job.task, job.crashes, job.payload_version, job.lane
FROM unnest(%(priorities)s::smallint[], %(tenants)s::text[], %(shares)s::int[])
    WITH ORDINALITY AS head (priority, tenant, share, place)
CROSS JOIN LATERAL (
    SELECT id, task, crashes, payload_version, lane FROM jobs
    WHERE {waiting} AND priority = head.priority AND tenant = head.tenant
    ORDER BY id LIMIT head.share
) AS job
ORDER BY head.place, job.id
"""
DISPATCHED = scope_of("queue = %(queue)s AND state = 'queued' AND NOT held")
"""The jobs that the relay picks from, by queue."""
PULLED = scope_of("task = %(queue)s AND state = 'queued' AND unsupported")
"""The jobs set aside for pull workers, by task."""


@dataclass(frozen=True, slots=True)
class Picked:
    """A job to dispatch. `crashes`: how many workers died while running it."""

    id: UUID
    task: str
    tenant: str
    priority: int
    crashes: int
    version: int = 1
    lane: str | None = None


class SetsAside(Protocol):
    """Takes jobs out of the pick that no running release supports."""

    def set_aside(self, connection: PgConnection, queue: str, jobs: list[Picked]) -> list[Picked]:
        """Return the supported jobs; the others leave the pick."""


def pick(
    connection: PgConnection,
    queue: str,
    limit: int,
    outstanding: Mapping[str, int],
    dispatchable: Callable[[UUID], bool],
    last_served: str = "",
    unsupported: SetsAside | None = None,
    *,
    new_tenants_only: bool = False,
    scope: PickScope = DISPATCHED,
) -> list[Picked]:
    """Return up to `limit` jobs of a queue for which no doorbell is outstanding.

    `unsupported` takes out jobs that no release can run. `new_tenants_only` restricts the choice to tenants without
    an outstanding doorbell.
    """
    params = {"queue": queue, "limit": MAX_HEADS, "last_served": last_served}
    heads: list[tuple[int, str]] = connection.execute(scope.heads, params).fetchall()
    if new_tenants_only:
        heads = [(priority, tenant) for priority, tenant in heads if not outstanding.get(tenant)]
    if not heads:
        return []
    peers: dict[int, int] = {}
    for priority, _ in heads:
        peers[priority] = peers.get(priority, 0) + 1
    per_head = [-(-limit // peers[p]) + outstanding.get(tenant, 0) for p, tenant in heads]
    jobs = [job for job in shares(connection, queue, heads, per_head, scope) if dispatchable(job.id)]
    if unsupported is not None:
        jobs = unsupported.set_aside(connection, queue, jobs)
    return round_robin(jobs, last_served)[:limit]


def shares(
    connection: PgConnection, name: str, heads: Sequence[tuple[int, str]], most: Sequence[int], scope: PickScope
) -> list[Picked]:
    """Return the oldest jobs of each (priority, tenant), as many as `most` says; `name`: of the queue or task."""
    params = {
        "queue": name,
        "priorities": [priority for priority, _ in heads],
        "tenants": [tenant for _, tenant in heads],
        "shares": list(most),
    }
    rows = connection.execute(scope.shares, params).fetchall()
    return [Picked(row[2], row[3], row[1], row[0], row[4], row[5], row[6]) for row in rows]


def round_robin(jobs: Sequence[Picked], last_served: str) -> list[Picked]:
    """Order by priority, within one by tenant round robin, starting after `last_served`."""
    ordered: list[Picked] = []
    for _, level in groupby(jobs, key=lambda job: job.priority):
        tenants = [list(waiting) for _, waiting in groupby(level, key=lambda job: job.tenant)]
        tenants.sort(key=lambda waiting: (waiting[0].tenant <= last_served, waiting[0].tenant))
        for round_jobs in zip_longest(*tenants):
            ordered.extend(job for job in round_jobs if job is not None)
    return ordered


CHUNK = 5000
PROMOTE = """
UPDATE jobs SET state = 'queued' WHERE id IN (
    SELECT id FROM jobs WHERE state IN ('scheduled', 'retrying') AND run_at <= %s
    ORDER BY run_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""
NEXT_DUE = "SELECT min(run_at) FROM jobs WHERE state IN ('scheduled', 'retrying')"


def promote_due(connection: PgConnection, now: datetime) -> int:
    """Promote up to 5,000 due jobs; return how many."""
    return connection.execute(PROMOTE, (now, CHUNK)).rowcount


def next_due(connection: PgConnection) -> datetime | None:
    """Return when the next waiting job is due; None when none waits."""
    row = connection.execute(NEXT_DUE).fetchone()
    return None if row is None else row[0]


DOORBELL_SECONDS = 0.1
MAX_BATCH = 32
MAX_IN_FLIGHT = 4096
RATE_SECONDS = 0.25
RETRY_AFTER_SECONDS = 1.0
OVERDUE_SECONDS = 2.0


@dataclass(slots=True)
class Dispatched:
    """A doorbell in flight: its jobs per tenant, and when it was sent (monotonic seconds)."""

    bell: Doorbell
    tenants: Counter[str]
    sent_at: float


@dataclass(slots=True)
class Durations:
    """Handler time per task in seconds: a decaying minimum, so that saturation does not amplify itself."""

    seconds: dict[str, float] = field(default_factory=dict)

    def observe(self, task: str, each: float) -> None:
        """Add one measurement of handler time per job."""
        estimate = self.seconds.get(task)
        self.seconds[task] = each if estimate is None else min(estimate * 1.05, each) or each

    def batch(self, task: str) -> int:
        """Return how many jobs of this task one doorbell may carry; 1 without a measurement."""
        estimate = self.seconds.get(task)
        if estimate is None:
            return 1
        return max(1, min(MAX_BATCH, int(DOORBELL_SECONDS / max(estimate, 1e-6))))


class InFlight:
    """The doorbells of one queue that are in flight."""

    def __init__(self) -> None:
        self.dispatched: dict[str, Dispatched] = {}
        self.ids: set[UUID] = set()
        self.tenants: Counter[str] = Counter()
        self.retry_after: dict[UUID, float] = {}
        self.cooling: deque[tuple[float, Counter[str]]] = deque()
        self.rate = 0.0
        self.bell_rate = 0.0
        self._done = 0
        self._bells = 0
        self._since = 0.0

    def add(self, bell: Doorbell, tenants: Iterable[str], at: float) -> None:
        """Add a bell that was sent."""
        counted = Counter(tenants)
        self.dispatched[bell.id] = Dispatched(bell, counted, at)
        self.ids.update(bell.ids)
        self.tenants.update(counted)

    def complete(self, answer: DoorbellResult, now: float) -> Dispatched | None:
        """Remove an answered bell. Jobs of which none could be claimed are not dispatched again for a second."""
        dispatched = self.forget(answer.bell_id)
        if dispatched is None:
            return None
        self._done += max(answer.claimed, 0)
        self._bells += 1
        if answer.claimed == 0:
            self.retry_after.update(dict.fromkeys(dispatched.bell.ids, now + RETRY_AFTER_SECONDS))
            self.cooling.append((now + RETRY_AFTER_SECONDS, dispatched.tenants))
        return dispatched

    def forget(self, bell_id: str) -> Dispatched | None:
        """Remove a bell from the window."""
        dispatched = self.dispatched.pop(bell_id, None)
        if dispatched is not None:
            self.ids.difference_update(dispatched.bell.ids)
            self.tenants -= dispatched.tenants
        return dispatched

    def update_rates(self, now: float) -> None:
        """Update the rates (jobs and bells per second) and release jobs whose delay is over."""
        if now - self._since >= 0.5:
            passed = now - self._since
            self.rate, self.bell_rate = self._done / passed, self._bells / passed
            self._done, self._bells, self._since = 0, 0, now
        if self.retry_after:
            self.retry_after = {job_id: until for job_id, until in self.retry_after.items() if until > now}
        while self.cooling and self.cooling[0][0] <= now:
            self.cooling.popleft()

    @property
    def outstanding(self) -> Counter[str]:
        """Jobs per tenant that are not dispatchable, in flight or delayed: a pick must look behind them."""
        return sum((tenants for _, tenants in self.cooling), self.tenants.copy())

    def job_capacity(self, slots: int, batch: int, limit: int | None) -> int:
        """Return how many more jobs may be dispatched."""
        size = min(MAX_IN_FLIGHT, max(2 * slots * batch, int(self.rate * RATE_SECONDS)))
        if limit is not None:
            size = min(size, limit)
        return size - len(self.ids)

    def message_capacity(self, slots: int) -> int:
        """Return how many more bells may be in flight: slow jobs are sent one per bell and must not block the queue."""
        return max(2 * slots, int(self.bell_rate * RATE_SECONDS)) - len(self.dispatched)

    def dispatchable(self, job_id: UUID) -> bool:
        """Whether a job may be dispatched: it is not in flight, and its delay is over."""
        return job_id not in self.ids and job_id not in self.retry_after

    def overdue(self, now: float) -> list[Doorbell]:
        """Return bells in flight for so long that they may be lost."""
        sent = self.dispatched.values()
        return [dispatched.bell for dispatched in sent if now - dispatched.sent_at > OVERDUE_SECONDS]
