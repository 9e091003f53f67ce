"""Operator actions on jobs, queues and schedules; each takes effect at once and is audited."""

from dataclasses import dataclass, field
from uuid import UUID

from psycopg.errors import UniqueViolation
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kontor import audit
from kontor.audit import Actor
from kontor.engine import cancellation, compensation, dead_jobs
from kontor.engine.admin.job_filter import COLD_STATES
from kontor.engine.enqueue import Jobs, ring_after_commit
from kontor.engine.payloads import HandlersCancel
from kontor.engine.schedules import run_now
from kontor.kernel.database import PgConnection, lock_limit, psycopg_connection
from kontor.kernel.errors import Busy, Conflict, NotFound
from kontor.kernel.ports import Clock
from kontor.kernel.states import JobState
from models.control import Queue, Schedule

FIND = "SELECT state, lane FROM jobs WHERE id = %s FOR UPDATE SKIP LOCKED"
LEASE_OF = "SELECT task, lease FROM jobs WHERE id = %s"
SEEN = "SELECT state FROM jobs WHERE id = %s"
STATE = f"{SEEN} UNION ALL SELECT state FROM jobs_archive WHERE id = %s"  # noqa: S608 -- constants
REQUEUE = """
UPDATE jobs SET state = 'queued', run_at = %s, attempt = 0, crashes = 0, reason = NULL, lease = NULL,
    worker = NULL, started_at = NULL, finished_at = NULL, held = false, cancel_requested = false, unsupported = false
WHERE id = %s
"""
REVIVE = """
WITH removed AS (DELETE FROM jobs_archive WHERE id = %(id)s AND state = 'cancelled' RETURNING *)
INSERT INTO jobs (id, task, queue, tenant, lane, priority, state, payload, payload_version, unique_key,
    once_key, run_at, max_attempts, parent_id, trace_id, created_at)
SELECT id, task, queue, tenant, lane, priority, 'queued', payload, payload_version, unique_key, once_key,
    %(now)s, max_attempts, parent_id, trace_id, created_at FROM removed
"""


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The state of a cancelled job; `remembered`: it was locked and will be cancelled, or asked to stop, later."""

    state: JobState
    remembered: bool


@dataclass(frozen=True, slots=True)
class Operations:
    """Operator actions. Each works in the caller's session and writes an audit entry."""

    jobs: Jobs
    clock: Clock = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "clock", self.jobs.clock)

    def pause_queue(self, session: Session, name: str, actor: Actor) -> None:
        """Start no job of the queue after the commit; running jobs finish. Raises NotFound."""
        self._switch(session, name, actor, paused=True)

    def resume_queue(self, session: Session, name: str, actor: Actor) -> None:
        """Let the queue's jobs start again. Raises NotFound."""
        self._switch(session, name, actor, paused=False)

    def cancel(self, session: Session, job_id: UUID, actor: Actor) -> Cancellation:
        """Cancel a waiting or dead job at once; ask a running one to stop. Raises Conflict, NotFound.

        Waits for no lock over half a second: the cancellation of a locked job is remembered and carried out later.
        """
        connection, remembered = psycopg_connection(session), False
        try:
            with lock_limit(session):
                state = self._cancel_unlocked(session, job_id, actor)
        except Busy:
            state = None
        if state is None:
            row = connection.execute(SEEN, (job_id,)).fetchone()
            if row is None:
                raise self._finished(session, job_id, "not_cancellable")
            state, remembered = row[0], True
            cancellation.remember(connection, job_id, actor.name, actor.reason, self.clock.now())
            ring_after_commit(session, self.jobs.doorbell)
        detail = {"state": state, **({"remembered": True} if remembered else {})}
        audit.record(session, actor, "job.cancel", f"job:{job_id}", at=self.clock.now(), detail=detail)
        after = state if remembered or state == JobState.RUNNING else JobState.CANCELLED
        return Cancellation(JobState(after), remembered)

    def _cancel_unlocked(self, session: Session, job_id: UUID, actor: Actor) -> str | None:
        """Cancel a job and return the state that it had; None if its row is locked or it has left the table."""
        connection = psycopg_connection(session)
        row = _locked(connection, job_id)
        if row is None:
            return None
        state, lane = row
        reason = actor.reason or f"cancelled by {actor.name}"
        if state == JobState.RUNNING:
            cancellation.cancel_locked(connection, job_id, state, lane, reason, self.clock.now())
            self._ask_handler(session, job_id)
            return str(state)
        with compensation.cancelling_waiting(connection, session, self.jobs, job_id, reason):
            cancellation.cancel_locked(connection, job_id, state, lane, reason, self.clock.now())
        return str(state)

    def _ask_handler(self, session: Session, job_id: UUID) -> None:
        """Enqueue the call that asks the handler of a declared push type to stop; a pull worker is waited for."""
        row = psycopg_connection(session).execute(LEASE_OF, (job_id,)).fetchone()
        declared = None if row is None else self.jobs.catalogue.declared.get(row[0])
        if row is not None and declared is not None:
            ask = HandlersCancel(job_id=job_id, lease=None if declared.policy.pull else row[1])
            self.jobs.enqueue(session, ask, unique_key=str(row[1]))

    def retry(self, session: Session, job_id: UUID, actor: Actor) -> None:
        """Queue a dead, retrying or cancelled job now and reset its attempts. Raises Busy, Conflict, NotFound."""
        connection = psycopg_connection(session)
        seen = connection.execute(STATE, (job_id, job_id)).fetchone()
        if seen is not None and seen[0] not in (JobState.DEAD, JobState.RETRYING, *COLD_STATES):
            raise _conflict("not_retryable", seen[0])
        self._require_retry(session, job_id)
        try:
            with lock_limit(session):
                self._requeue(session, job_id)
        except UniqueViolation:
            message = "Another unfinished job has this job's unique_key; wait for it or cancel it."
            raise Conflict("not_retryable", message, state=seen[0] if seen else JobState.DEAD) from None
        audit.record(session, actor, "job.retry", f"job:{job_id}", at=self.clock.now())
        ring_after_commit(session, self.jobs.doorbell)

    def _require_retry(self, session: Session, job_id: UUID) -> None:
        """Raise Conflict(`not_retryable`) for a job whose end had consequences that a second run would contradict."""
        for subscriber in self.jobs.catalogue.subscribers:
            refusal = subscriber.refuse_retry(session, job_id)
            if refusal is not None:
                raise Conflict("not_retryable", refusal, state=JobState.DEAD)

    def _requeue(self, session: Session, job_id: UUID) -> None:
        connection, now = psycopg_connection(session), self.clock.now()
        row = _locked(connection, job_id)
        if row is not None and row[0] not in (JobState.DEAD, JobState.RETRYING):
            raise _conflict("not_retryable", row[0])
        if row is not None:
            connection.execute(REQUEUE, (now, job_id))
        elif connection.execute(SEEN, (job_id,)).fetchone() is not None:
            raise Busy
        elif not connection.execute(REVIVE, {"id": job_id, "now": now}).rowcount:
            raise self._finished(session, job_id, "not_retryable")
        cancellation.forget(connection, job_id)

    def pause_schedule(self, session: Session, name: str, actor: Actor) -> None:
        """Pause a schedule; slots during the pause are skipped. Raises NotFound."""
        self._schedule(session, name).paused = True
        audit.record(session, actor, "schedule.pause", f"schedule:{name}", at=self.clock.now())

    def resume_schedule(self, session: Session, name: str, actor: Actor) -> None:
        """Resume a schedule from its next slot. Raises NotFound."""
        row = self._schedule(session, name)
        row.paused, row.expected_from = False, self.clock.now()
        audit.record(session, actor, "schedule.resume", f"schedule:{name}", at=self.clock.now())

    def run_schedule(self, session: Session, name: str, actor: Actor) -> UUID:
        """Enqueue a schedule's task now; return the job id. Raises NotFound."""
        job_id = run_now(session, self.jobs, self._schedule(session, name), self.clock.now())
        audit.record(
            session, actor, "schedule.run", f"schedule:{name}", at=self.clock.now(), detail={"job": str(job_id)}
        )
        return job_id

    def _switch(self, session: Session, name: str, actor: Actor, *, paused: bool) -> None:
        if name not in self.jobs.catalogue.queues:
            raise NotFound("unknown_queue", f"There is no queue {name!r}.")
        statement = insert(Queue).values(name=name, paused=paused)
        with lock_limit(session):
            switched = {"paused": paused, "held": False}
            session.execute(statement.on_conflict_do_update(index_elements=["name"], set_=switched))
        audit.record(session, actor, "queue.pause" if paused else "queue.resume", f"queue:{name}", at=self.clock.now())
        ring_after_commit(session, self.jobs.doorbell)

    def _finished(self, session: Session, job_id: UUID, code: str) -> Exception:
        row = psycopg_connection(session).execute(STATE, (job_id, job_id)).fetchone()
        return NotFound() if row is None else _conflict(code, row[0])

    def _schedule(self, session: Session, name: str) -> Schedule:
        query = select(Schedule).where(Schedule.name == name, ~Schedule.retired).with_for_update()
        with lock_limit(session):
            row = session.scalar(query)
        if row is None:
            raise NotFound("unknown_schedule", f"There is no schedule {name!r}.")
        return row


def _locked(connection: PgConnection, job_id: UUID) -> tuple[str, str | None] | None:
    """Lock a job of the hot table, a dead one that left it too; None if another holds it, or it is finished."""
    row = connection.execute(FIND, (job_id,)).fetchone()
    if row is None and dead_jobs.recall(connection, job_id):
        row = connection.execute(FIND, (job_id,)).fetchone()
    return row


def _conflict(code: str, state: str) -> Conflict:
    verbs = {"not_cancellable": "cancelled", "not_retryable": "retried"}
    return Conflict(code, f"A job that is {state} cannot be {verbs[code]}.", state=state)
