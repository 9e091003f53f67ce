"""Attempts that work outside Kontor, under a lease: of a handler that answered 202, and of pull workers.

The job is `running` and its worker's name has a colon (`push:…`, `pull:…`), so the relay does not look for the lease
in any beat. The lease is the fence: a call with one that the job no longer has changes nothing. Leases live on real
time.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from psycopg.types.json import Jsonb
from pydantic import JsonValue
from sqlalchemy.orm import Session

from kontor.engine import declared, lanes, ledger
from kontor.engine.compensation import cancelling
from kontor.engine.declared import DeclaredPayload, DeclaredTask
from kontor.engine.endings import EndedJob, notify
from kontor.engine.enqueue import Jobs, ring_after_commit
from kontor.engine.failures import FailedAttempt, record_failure
from kontor.engine.handlers import Cancel, JobContext, Permanent, Snooze, Transient
from kontor.engine.ledger import ROW, JobRow, UnsuccessfulAttempt, job_row_factory
from kontor.engine.recovery import LEASE_SECONDS
from kontor.engine.runtime import WorkerRuntime
from kontor.engine.transactional import CANCELLED_ON_REQUEST, write_outcome
from kontor.kernel.database import PgConnection, psycopg_connection
from kontor.kernel.errors import Conflict, Invalid
from kontor.kernel.states import AttemptOutcome, JobState

log = structlog.get_logger(__name__)

TOKEN_PREFIX: Final = "attempt_"  # noqa: S105 -- what every token starts with, no secret
BEGIN: Final = """
INSERT INTO job_leases (lease, job_id, kind, key_id, worker, token_hash, begun_at, beat_at, ends_at)
VALUES (%s, %s, %s, %s, %s, %s, clock_timestamp(), clock_timestamp(), clock_timestamp() + %s)
RETURNING least(beat_at + make_interval(secs => %s), ends_at)
"""
HAND_OVER: Final = "UPDATE jobs SET worker = %s WHERE id = %s AND lease = %s"
BEAT: Final = """
UPDATE job_leases SET beat_at = clock_timestamp() WHERE lease = %s
RETURNING least(beat_at + make_interval(secs => %s), ends_at)
"""
END: Final = "UPDATE job_leases SET ended_at = clock_timestamp(), answer = %s WHERE lease = %s"
DROP: Final = "DELETE FROM job_leases WHERE lease = %s AND ended_at IS NULL"
HELD: Final = """
SELECT l.lease, l.job_id, l.kind, l.key_id, l.worker, l.token_hash, j.started_at, l.answer
FROM job_leases l LEFT JOIN jobs j ON j.id = l.job_id AND j.lease = l.lease
WHERE l.lease = %s FOR UPDATE OF l
"""
LIVE: Final = f"SELECT {ROW} FROM jobs WHERE id = %s AND lease = %s AND state = 'running' FOR UPDATE"  # noqa: S608 -- constants
STATE: Final = "SELECT state, lane, task, lease FROM jobs WHERE id = %s FOR UPDATE SKIP LOCKED"
EXISTS: Final = "SELECT FROM jobs WHERE id = %s"


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """A lease. `started_at`: when its attempt began, None once it is over; `answer`: of the call that ended it."""

    lease: UUID
    job_id: UUID
    kind: str
    key_id: UUID | None
    worker: str
    token_hash: str | None
    started_at: datetime | None
    answer: JsonValue


@dataclass(frozen=True, slots=True)
class NewLease:
    """What a lease is opened with: whose it is, and how long its attempt may take."""

    lease: UUID
    kind: str
    worker: str
    time_limit: timedelta
    key_id: UUID | None = None
    token_hash: str | None = None


def new_token() -> str:
    """Return a token of 256 random bits; it opens the lease of one attempt and nothing else."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """Return the stored hash of an attempt's token of 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def begin(connection: PgConnection, job_id: UUID, new: NewLease) -> None:
    """Store a lease that an attempt begins under."""
    connection.execute(BEGIN, values_of(job_id, new))


def values_of(job_id: UUID, new: NewLease) -> tuple[object, ...]:
    """Return the values of BEGIN."""
    return (new.lease, job_id, new.kind, new.key_id, new.worker, new.token_hash, new.time_limit, LEASE_SECONDS)


def hand_over(connection: PgConnection, job_id: UUID, lease: UUID, worker: str) -> None:
    """Let an attempt go on outside; its last heartbeat is now."""
    connection.execute(HAND_OVER, (worker, job_id, lease))
    connection.execute(BEAT, (lease, LEASE_SECONDS))


def beat(connection: PgConnection, lease: UUID) -> datetime:
    """Prolong a lease; return when it ends."""
    row = connection.execute(BEAT, (lease, LEASE_SECONDS)).fetchone()
    assert row is not None
    ends: datetime = row[0]
    return ends


def drop(connection: PgConnection, lease: UUID | None) -> None:
    """Forget the lease of an attempt that ended in the worker."""
    connection.execute(DROP, (lease,))


def find(connection: PgConnection, lease: UUID) -> LeaseRow | None:
    """Lock and return a lease."""
    row = connection.execute(HELD, (lease,)).fetchone()
    return None if row is None else LeaseRow(*row)


def lease_lost() -> Conflict:
    """Return the refusal of a call with a lease that its job no longer has."""
    return Conflict("lease_lost", "The lease has ended, or the job is another's by now. Do not go on with it.")


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt outside that a call works on, in the call's transaction; its job's row is locked."""

    runtime: WorkerRuntime
    session: Session
    connection: PgConnection
    lease: LeaseRow
    row: JobRow

    @classmethod
    def of(cls, runtime: WorkerRuntime, session: Session, connection: PgConnection, lease: LeaseRow) -> "Attempt":
        """Lock the job of a lease. Raises Conflict(`lease_lost`)."""
        cursor = connection.cursor(row_factory=job_row_factory)
        row = cursor.execute(LIVE, (lease.job_id, lease.lease)).fetchone()
        if row is None:
            raise lease_lost()
        return cls(runtime, session, connection, lease, row)

    def beat(self) -> datetime:
        """Prolong the lease; return when it ends."""
        return beat(self.connection, self.lease.lease)

    def complete(self, result: JsonValue) -> None:
        """Record success, with what it enqueues."""
        now, result = self.runtime.clock.now(), kept_result(self.runtime.jobs, self.row.task, result)
        ledger.archive(
            self.connection, [(self.row.id, result)], attempt_increment=0, worker=self.lease.worker, started=None,
            finished=now,
        )  # fmt: skip
        succeed(self.connection, self.session, self._family(), self.row, result)
        self.runtime.free_lane(self.session, self.connection, self.row, healthy=True)
        self._count(AttemptOutcome.SUCCEEDED)

    def fail(self, error: str, *, permanent: bool, retry_in: timedelta | None) -> None:
        """Record a failed attempt: tried again by policy, or dead."""
        if self._cancelled_on_request():
            return
        cause = Permanent(error) if permanent else Transient(error, retry_in=retry_in)
        attempt = FailedAttempt(self.row, self.row.attempt, self.lease.started_at)
        record_failure(self.runtime, self.session, self.connection, attempt, cause)

    def snooze(self, until: datetime) -> None:
        """Let the job run again at an instant; uses no attempt."""
        if not self._cancelled_on_request():
            row = self.row._replace(attempt=self.row.attempt - 1)
            now, name = self.runtime.clock.now(), self.lease.worker
            write_outcome(self.connection, name, row, Snooze(until), now, now, attempt_increment=0)
            self.runtime.free_lane(self.session, self.connection, self.row, healthy=True)
            self._count(AttemptOutcome.SNOOZED)

    def release(self) -> None:
        """Give the job back unharmed: the attempt does not count."""
        if self._cancelled_on_request():
            return
        now, row = self.runtime.clock.now(), self.row
        ended = UnsuccessfulAttempt(row.id, row.attempt, self.lease.worker, None, now, AttemptOutcome.RELEASED)
        ledger.store_attempt(self.connection, ended)
        ledger.reschedule(self.connection, row.id, JobState.QUEUED, row.run_at, row.attempt - 1)
        self.runtime.free_lane(self.session, self.connection, row, healthy=False)
        ring_after_commit(self.session, self.runtime.jobs.doorbell)
        self._count(AttemptOutcome.RELEASED)

    def cancel(self) -> None:
        """End the job as cancelled: its attempt is over."""
        self._write_cancelled(CANCELLED_ON_REQUEST)

    def close(self, answer: JsonValue) -> None:
        """Keep what the call that ended the lease was answered."""
        self.connection.execute(END, (Jsonb(answer), self.lease.lease))

    def _family(self) -> Jobs:
        """Return the ledger whose jobs are children of this one."""
        return self.runtime.jobs.child_of(self.row.id, self.row.trace_id)

    def _cancelled_on_request(self) -> bool:
        """End the job if somebody cancelled it meanwhile; whether it is so."""
        if self.row.cancel_requested:
            self.cancel()
        return self.row.cancel_requested

    def _write_cancelled(self, outcome: Cancel) -> None:
        now = self.runtime.clock.now()
        with cancelling(self.connection, self.session, self._family(), self.row, outcome.reason, acted=True):
            write_outcome(self.connection, self.lease.worker, self.row, outcome, now, now, attempt_increment=0)
        self.runtime.free_lane(self.session, self.connection, self.row, healthy=False)
        self._count(AttemptOutcome.CANCELLED)

    def _count(self, outcome: AttemptOutcome) -> None:
        """Count the attempt for metrics."""
        self.runtime.count(self.row, outcome, self.lease.started_at, self.runtime.clock.now())


def cancel_running(session: Session, jobs: Jobs, job_id: UUID, lease: UUID, now: datetime) -> bool:
    """End a running attempt as cancelled unless it is over; whether it ran. Its type's compensation follows."""
    connection = psycopg_connection(session)
    row = connection.cursor(row_factory=job_row_factory).execute(LIVE, (job_id, lease)).fetchone()
    if row is None:
        return False
    family, outcome = jobs.child_of(row.id, row.trace_id), CANCELLED_ON_REQUEST
    with cancelling(connection, session, family, row, outcome.reason, acted=True):
        write_outcome(connection, f"push:{row.task}", row, outcome, now, now, attempt_increment=0)
    if row.lane is not None:
        lanes.leave(connection, row.lane, row.id, healthy=True)
        ring_after_commit(session, jobs.doorbell)
    return True


def succeed(
    connection: PgConnection, session: Session, family: Jobs, row: JobRow | JobContext, result: JsonValue
) -> None:
    """Erase the sensitive args of a job that succeeded, and enqueue what its type says comes then, as its child."""
    declared.erase(connection, row.id)
    notify(session, family, EndedJob(row.id, row.task, row.tenant, JobState.SUCCEEDED, result))
    task = declared_task(family, row.task)
    if task is None or task.then is None:
        return
    subject = declared.subject_of(connection, row.id)
    try:
        family.enqueue(session, task.then.task, task.then.args, tenant=row.tenant, subject=subject)
    except Invalid as error:  # checked when the type was declared; the other type has changed since
        log.error("task_type.follow_up_refused", job=str(row.id), task=task.then.task, error=error.message)


def kept_result(jobs: Jobs, name: str, result: JsonValue) -> JsonValue:
    """Return what is kept of the answer to a job of a declared type; no log, list or event has more."""
    model = jobs.catalogue.declared.get(name)
    return model.kept_result(result) if model is not None and issubclass(model, DeclaredPayload) else result


def declared_task(jobs: Jobs, name: str) -> DeclaredTask | None:
    """Return what a declared type says; None for other tasks."""
    model = jobs.catalogue.declared.get(name)
    return model.task if model is not None and issubclass(model, DeclaredPayload) else None
