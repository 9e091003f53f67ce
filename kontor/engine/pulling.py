"""Leases jobs to pull workers: the relay sets them aside, and they are picked from there as it picks for workers.

Priorities, fairness between tenants, lanes, pauses and limits of queues are those of Kontor's own workers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from pydantic import JsonValue
from sqlalchemy.orm import Session

from kontor.engine import compensation, declared, fair_pick, lanes, outside
from kontor.engine.declared import DeclaredFacts, JobSubject
from kontor.engine.failures import FailedAttempt, mark_dead, mark_exhausted_dead
from kontor.engine.fair_pick import PULLED, Picked
from kontor.engine.handlers import Failure
from kontor.engine.ledger import ROW, JobRow, job_row_factory
from kontor.engine.outside import NewLease
from kontor.engine.runtime import WorkerRuntime
from kontor.engine.transactional import CANCELLED_ON_REQUEST, MAX_CRASHES, write_outcome
from kontor.engine.turns import INTERRUPTED
from kontor.kernel.database import PgConnection
from kontor.kernel.ports import SecretBox
from kontor.kernel.states import CrashPolicy, DeadReason

PRIORITIES: Final = range(9, -1, -1)
ERASED: Final = "The sensitive args of this job were erased when it ended. Enqueue a new job with them."
LOCK: Final = f"""
SELECT {ROW} FROM jobs WHERE id = ANY(%s::uuid[]) AND lower(state) = 'queued' AND unsupported
    AND queue NOT IN (SELECT name FROM queues WHERE paused) ORDER BY id FOR UPDATE SKIP LOCKED
"""  # noqa: S608 -- constants
START: Final = f"""
WITH started AS (
    UPDATE jobs SET state = 'running', attempt = attempt + 1, worker = %s, started_at = %s, lease = %s, held = false,
        unsupported = false, reason = NULL
    WHERE id = %s)
{outside.BEGIN}
"""  # noqa: S608 -- constants
"""One statement for both rows: a waiting worker gets its job a round trip sooner."""
TO_LANE: Final = "UPDATE jobs SET unsupported = false WHERE id = %s"
HOLDS: Final = """
SELECT (SELECT count(*) FROM job_leases l JOIN jobs j ON j.id = l.job_id AND j.lease = l.lease AND j.state = 'running'
        WHERE l.key_id = %s AND l.worker = %s AND l.ended_at IS NULL),
    EXISTS (SELECT FROM queues WHERE name = ANY(%s) AND concurrency IS NOT NULL)
"""
"""How many jobs a worker holds, and whether one of its queues has a limit."""
LIMITS: Final = """
SELECT name, concurrency FROM queues WHERE name = ANY(%s) AND concurrency IS NOT NULL ORDER BY name FOR UPDATE
"""
"""Calls that lease from a limited queue wait for each other: each counts what the one before took."""
RUNNING: Final = "SELECT queue, count(*) FROM jobs WHERE state = 'running' AND queue = ANY(%s) GROUP BY queue"
OFFERED: Final = """
SELECT asked.task, asked.tenant, waiting.count
FROM unnest(%s::text[], %s::text[]) AS asked (task, tenant)
CROSS JOIN LATERAL (
    SELECT count(*) FROM (
        SELECT FROM jobs
        WHERE jobs.task = asked.task AND jobs.state = 'queued' AND jobs.unsupported
            AND (asked.tenant IS NULL OR jobs.tenant = asked.tenant)
            AND jobs.queue NOT IN (SELECT name FROM queues WHERE paused)
        LIMIT %s) AS first_few
) AS waiting
WHERE waiting.count > 0
"""


Asked = tuple[str, str | None]
"""A task that a waiting worker asks for, and the tenant that its key is bound to."""


@dataclass(frozen=True, slots=True)
class Puller:
    """A pull worker: its key, its name, the tenant that its key is bound to; `tokens`: it gets one of each attempt."""

    key_id: UUID
    name: str
    tenant: str | None = None
    tokens: bool = False


@dataclass(frozen=True, slots=True)
class LeasedJob:
    """A job that a puller got."""

    lease: UUID
    expires_at: datetime
    row: JobRow
    attempt: int
    args: Mapping[str, JsonValue]
    subject: JobSubject
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Leasing:
    """Leases jobs in the transaction of a call."""

    runtime: WorkerRuntime
    session: Session
    connection: PgConnection
    secret_box: SecretBox

    def lease(self, puller: Puller, tasks: Sequence[str], most: int) -> list[LeasedJob]:
        """Lease jobs of these pull types, so that the puller holds at most `most` in all."""
        picked = self._pick(puller, tasks, most)
        if not picked:
            return []
        queues = {task: self.runtime.registry.catalogue[task].policy.queue for task in tasks}
        values = (puller.key_id, f"pull:{puller.name}", list(queues.values()))
        holds, limited = self.connection.execute(HOLDS, values).fetchone() or (0, False)
        if limited:
            picked = self._pick_within_limits(puller, queues, most)
        picked = picked[: max(0, most - holds)]
        cursor = self.connection.cursor(row_factory=job_row_factory)
        rows = {row.id: row for row in cursor.execute(LOCK, ([job.id for job in picked],)).fetchall()}
        taken = (self._take(puller, rows[job.id]) for job in picked if job.id in rows)
        return [each for each in taken if each is not None]

    def _pick(self, puller: Puller, tasks: Sequence[str], room: int) -> list[Picked]:
        """Pick jobs of all tasks, the higher priorities first, from a random tenant on."""
        start, picked = str(uuid4()), list[Picked]()
        for task in tasks:
            if puller.tenant is None:
                picked += fair_pick.pick(self.connection, task, room, {}, lambda _: True, start, scope=PULLED)
            else:
                heads = [(priority, puller.tenant) for priority in PRIORITIES]
                picked += fair_pick.shares(self.connection, task, heads, [room] * len(heads), PULLED)
        picked.sort(key=lambda job: -job.priority)
        by_tenant = sorted(picked, key=lambda job: (-job.priority, job.tenant, job.id))
        return fair_pick.round_robin(by_tenant, start)[:room]

    def _pick_within_limits(self, puller: Puller, queues: Mapping[str, str], most: int) -> list[Picked]:
        """Pick no more of a queue than its limit leaves; `queues`: of the tasks. Locks the limited queues."""
        names = list(queues.values())
        left = dict(self.connection.execute(LIMITS, (names,)).fetchall())
        for queue, running in self.connection.execute(RUNNING, (names,)).fetchall():
            if queue in left:
                left[queue] -= running
        picked = []
        for job in self._pick(puller, [task for task in queues if left.get(queues[task], 1) > 0], most):
            queue = queues[job.task]
            left[queue] = left.get(queue, most) - 1
            if left[queue] >= 0:
                picked.append(job)
        return picked

    def _take(self, puller: Puller, row: JobRow) -> LeasedJob | None:
        """Start an attempt of a locked job; None when the job ends here, or waits for its lane."""
        runtime, connection, now = self.runtime, self.connection, self.runtime.clock.now()
        if row.cancel_requested:
            self._cancel(row, now)
            return None
        if row.lane is not None and not lanes.enter(connection, row.lane, row.id, now):
            connection.execute(TO_LANE, (row.id,))
            return None
        facts = declared.read(connection, row.id, self.secret_box)
        if self._is_over(row, facts):
            runtime.free_lane(self.session, connection, row, healthy=False)
            return None
        lease, limit = uuid4(), runtime.registry.catalogue[row.task].policy.time_limit
        name = f"pull:{puller.name}"
        token = outside.new_token() if puller.tokens else None
        token_hash = None if token is None else outside.hash_token(token)
        new = NewLease(lease, "pull", name, limit, key_id=puller.key_id, token_hash=token_hash)
        values = outside.values_of(row.id, new)
        ends = connection.execute(START, (name, now, lease, row.id, *values)).fetchone()
        assert ends is not None
        args = declared.opened(row.payload, facts)
        return LeasedJob(lease, ends[0], row, row.attempt + 1, args, facts.subject, token)

    def _cancel(self, row: JobRow, now: datetime) -> None:
        """End a waiting job that somebody cancelled."""
        jobs, reason = self.runtime.jobs, CANCELLED_ON_REQUEST.reason
        with compensation.cancelling_waiting(self.connection, self.session, jobs, row.id, reason):
            write_outcome(
                self.connection, self.runtime.worker, row, CANCELLED_ON_REQUEST, now, now, attempt_increment=0
            )
        self.runtime.free_lane(self.session, self.connection, row, healthy=False)

    def _is_over(self, row: JobRow, facts: DeclaredFacts) -> bool:
        """Mark a job dead that must not run again; whether it is one."""
        runtime, crash = self.runtime, self.runtime.registry.catalogue[row.task].policy.crash
        parked = row.reason in INTERRUPTED and crash is not CrashPolicy.RERUN
        if facts.erased:
            reason, message = DeadReason.PERMANENT, ERASED
        elif parked:
            reason, message = DeadReason.UNKNOWN, "its worker died in the act"
        elif row.crashes >= MAX_CRASHES:
            reason, message = DeadReason.POISON, f"killed its worker {row.crashes} times"
        else:
            return mark_exhausted_dead(runtime, self.session, self.connection, row)
        failure = Failure(reason.capitalize(), message, "", reason)
        mark_dead(runtime, self.session, self.connection, FailedAttempt(row, row.attempt, None), reason, failure)
        return True


def offered(connection: PgConnection, asked: Sequence[Asked], most: int) -> list[tuple[str, str | None, int]]:
    """Return how many jobs of each of these tasks, of one tenant or of all, may be leased, counted up to `most`."""
    tasks, tenants = [task for task, _ in asked], [tenant for _, tenant in asked]
    return connection.execute(OFFERED, (tasks, tenants, most)).fetchall()
