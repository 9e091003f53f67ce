"""Jobs that the running release cannot run: of a task it does not know, or with a payload newer than it knows.

The relay takes them out of the index it picks from (`held` and `unsupported`), so that they delay no other job, and
puts them back as soon as it supports them. Jobs of pull workers are set aside in the same way, and leased from there.
A worker of an older release refuses such jobs; the relay then sets the
task aside for a while and offers its jobs to another worker.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import psycopg
import structlog

from kontor.engine import lanes
from kontor.engine.catalogue import Catalogue
from kontor.engine.fair_pick import Picked
from kontor.engine.ledger import JobRow
from kontor.kernel.database import PgConnection
from kontor.kernel.doorbells import UNKNOWN_TASK, DoorbellResult, Offers
from kontor.kernel.ports import Clock

log = structlog.get_logger(__name__)

CHUNK = 2_000
FIRST_DELAY = 1.0
MAX_DELAY = 30.0
REMEDY = "deploy the release that knows it, or cancel its jobs"
SET_ASIDE = """
WITH head AS MATERIALIZED (
    SELECT id, task, payload_version FROM jobs
    WHERE queue = %(queue)s AND state = 'queued' AND NOT held AND priority = %(priority)s AND tenant = %(tenant)s
    ORDER BY id LIMIT %(limit)s
), unsupported AS MATERIALIZED (
    SELECT id FROM head LEFT JOIN unnest(%(tasks)s::text[], %(versions)s::int[]) AS supported (name, newest)
        ON name = task
    WHERE name IS NULL OR payload_version > newest
), locked AS MATERIALIZED (
    SELECT id FROM jobs
    WHERE id = ANY(ARRAY(SELECT id FROM unsupported)) AND lower(state) = 'queued' AND held IS NOT TRUE
    FOR UPDATE SKIP LOCKED
)
UPDATE jobs SET held = true, unsupported = true WHERE id = ANY(ARRAY(SELECT id FROM locked))
RETURNING id, task, payload_version, lane
"""
"""By arrays: a join planned for an empty table would read it once for each job. lower() and IS NOT TRUE keep the
planner off the pick index, see kontor/engine/ledger.py."""
KINDS = """
WITH RECURSIVE kinds AS (
    (SELECT task, payload_version FROM jobs WHERE unsupported ORDER BY task, payload_version LIMIT 1)
    UNION ALL
    SELECT following.* FROM kinds CROSS JOIN LATERAL (
        SELECT task, payload_version FROM jobs
        WHERE unsupported AND (task, payload_version) > (kinds.task, kinds.payload_version)
        ORDER BY task, payload_version LIMIT 1
    ) AS following
) SELECT task, payload_version FROM kinds LIMIT 1000
"""
RELEASE = """
UPDATE jobs SET held = false, unsupported = false WHERE id = ANY(ARRAY(
    SELECT id FROM jobs WHERE unsupported AND task = %s AND payload_version = %s
    ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED))
"""


@dataclass(slots=True)
class TaskRefusal:
    """A task refused by a worker: versions from `version` on rest until `until` (monotonic seconds)."""

    version: int
    until: float
    delay: float


@dataclass(slots=True)
class Unsupported:
    """What the relay sets aside. `behind`: queues with more to set aside, which it looks at again at once.

    `offer` hints to waiting pull workers that jobs were set aside for them.
    """

    catalogue: Catalogue
    clock: Clock
    offer: Callable[[Offers], None]
    behind: set[str] = field(default_factory=set)
    _refusals: dict[str, TaskRefusal] = field(default_factory=dict)
    _named: set[tuple[str, int]] = field(default_factory=set)

    def supports(self, task: str, version: int) -> bool:
        """Whether jobs of this task and payload version may be dispatched now."""
        if task not in self.catalogue or version > self.catalogue[task].version:
            return False
        if self.catalogue[task].policy.pull:
            return False
        refusal = self._refusals.get(task)
        return refusal is None or version < refusal.version or self.clock.monotonic() >= refusal.until

    def set_aside(self, connection: PgConnection, queue: str, jobs: list[Picked]) -> list[Picked]:
        """Return the supported jobs; take the others out of the pick, with those that wait right behind them."""
        self.behind.discard(queue)
        heads = {(job.priority, job.tenant) for job in jobs if not self.supports(job.task, job.version)}
        if not heads:
            return jobs
        newest, offers = self._newest(), Counter[tuple[str, str]]()
        for priority, tenant in sorted(heads):
            values = {
                "queue": queue, "priority": priority, "tenant": tenant, "limit": CHUNK,
                "tasks": list(newest), "versions": list(newest.values()),
            }  # fmt: skip
            rows = connection.execute(SET_ASIDE, values, prepare=False).fetchall()
            if rows:
                self.behind.add(queue)
            others = [row for row in rows if not self._is_pulled(row[1])]
            offers.update((row[1], tenant) for row in rows if self._is_pulled(row[1]))
            self._name((task, version) for _, task, version, _ in others)
            _release_lanes(connection, {lane: job_id for job_id, _, _, lane in others if lane is not None})
        if offers:
            self.offer(offers)
        return [job for job in jobs if self.supports(job.task, job.version)]

    def hear(self, task: str, answer: DoorbellResult) -> None:
        """Set a refused task aside, twice as long each time; a claim ends that."""
        if answer.claimed:
            self._refusals.pop(task, None)
        elif answer.refused and task in self.catalogue:
            before = self._refusals.get(task)
            now = self.clock.monotonic()
            if before is not None and now < before.until:
                return
            delay = FIRST_DELAY if before is None else min(before.delay * 2, MAX_DELAY)
            version = 0 if answer.seconds == UNKNOWN_TASK else self.catalogue[task].version
            self._refusals[task] = TaskRefusal(version, now + delay, delay)

    def release(self, connection: PgConnection) -> None:
        """Put jobs back that are supported now, up to 4,000 of a kind."""
        for task, version in connection.execute(KINDS).fetchall():
            if self.supports(task, version) and connection.execute(RELEASE, (task, version, CHUNK)).rowcount == CHUNK:
                connection.execute(RELEASE, (task, version, CHUNK))

    def _is_pulled(self, task: str) -> bool:
        """Whether a task's jobs are set aside for pull workers."""
        return task in self.catalogue and self.catalogue[task].policy.pull

    def _newest(self) -> Mapping[str, int]:
        """Return the newest payload version that may be dispatched, by task."""
        newest = {payload.policy.name: payload.version for payload in self.catalogue if not payload.policy.pull}
        for task, refusal in self._refusals.items():
            if task in newest and not self.supports(task, refusal.version):
                newest[task] = min(newest[task], refusal.version - 1)
        return newest

    def _name(self, kinds: Iterable[tuple[str, int]]) -> None:
        for task, version in sorted(set(kinds) - self._named):
            self._named.add((task, version))
            log.warning("jobs.unsupported", task=task, payload_version=version, remedy=REMEDY)


def _release_lanes(connection: PgConnection, jobs: Mapping[str, UUID]) -> None:
    """Let the next job of each lane go whose turn a job had that was set aside."""
    for lane, job_id in sorted(jobs.items()):
        try:
            with connection.transaction():
                connection.execute("SET LOCAL lock_timeout = '100ms'")
                lanes.leave(connection, lane, job_id, healthy=False)
        except psycopg.errors.LockNotAvailable:
            log.info("lane.busy", lane=lane)


@dataclass(slots=True)
class Refused:
    """What a worker refused: jobs of the doorbells it runs, and the kinds it has named in its log."""

    jobs: set[UUID] = field(default_factory=set)
    _named: set[tuple[str, int]] = field(default_factory=set)

    def supported(self, rows: Sequence[JobRow], catalogue: Catalogue) -> list[JobRow]:
        """Return the rows with a payload that this release knows; the others stay queued for a newer worker."""
        kept = []
        for row in rows:
            if row.payload_version <= catalogue[row.task].version:
                kept.append(row)
            else:
                self.jobs.add(row.id)
                self.name(row.task, row.payload_version)
        return kept

    def take(self, ids: Sequence[UUID]) -> bool:
        """Whether one of these jobs was refused; forgets it."""
        refused = self.jobs.intersection(ids)
        self.jobs -= refused
        return bool(refused)

    def name(self, task: str, version: int) -> None:
        """Log a kind of jobs that this release does not know, once."""
        if (task, version) not in self._named:
            self._named.add((task, version))
            log.warning("worker.unsupported", task=task, payload_version=version, remedy=REMEDY)
