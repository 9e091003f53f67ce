"""Runs transactional tasks: the handler's writes, its follow-up jobs and its completion commit together.

The row lock is the claim. A batch shares one commit; if one of its jobs fails, the batch is rolled back and
run again one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never, cast
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.engine import declared, ledger
from kontor.engine.enqueue import ring_if_enqueued
from kontor.engine.failures import FailedAttempt, mark_dead, mark_exhausted_dead, record_failure
from kontor.engine.handlers import Cancel, Cancelled, Done, Failure, Outcome, Snooze, TransactionalHandler, WorksOn
from kontor.engine.ledger import JobRow, UnsuccessfulAttempt
from kontor.engine.pipelined import PipelinedTransaction
from kontor.engine.prepared import prepare
from kontor.engine.runtime import WorkerRuntime, committing, forget_rows
from kontor.kernel.database import PgConnection, is_disconnect, is_serialization_failure
from kontor.kernel.states import AttemptOutcome, DeadReason, JobState

MAX_CRASHES = 3
MAX_RERUNS = 3
CANCELLED_ON_REQUEST = Cancel("cancelled on request")


class BatchFailed(Exception):
    """A job of a batch failed; the transaction must be rolled back."""

    def __init__(self, row: JobRow, started_at: datetime, cause: BaseException) -> None:
        super().__init__(str(cause))
        self.row = row
        self.started_at = started_at
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Executed:
    """A job that ran but is not committed yet."""

    row: JobRow
    outcome: Outcome | None
    started: datetime
    finished: datetime


class TransactionalRunner:
    """Runs doorbells of transactional tasks."""

    def __init__(self, runtime: WorkerRuntime) -> None:
        self._runtime = runtime

    def run(self, ids: Sequence[UUID], *, batch: bool) -> tuple[int, float]:
        """Run the jobs still queued, in one commit (`batch`) or in one commit each.

        Return the number claimed and the seconds spent in handlers.
        """
        with self._runtime.transaction() as (session, connection):
            if batch and len(ids) > 1:
                try:
                    return self._run_batch(session, connection, ids)
                except BatchFailed as failed:
                    _roll_back(session, connection, failed)
            return self._run_each(session, connection, ids)

    def _run_each(self, session: Session, connection: PgConnection, ids: Sequence[UUID]) -> tuple[int, float]:
        """Run each job in a commit of its own, which is sent with the claim of the next."""
        pipeline, claimed, seconds = PipelinedTransaction(connection, self._runtime.worker), 0, 0.0
        previous: Executed | None = None
        for job_id in ids:
            row = self._commit_and_claim(session, connection, pipeline, job_id, previous)
            previous = None
            if row is not None:
                previous, elapsed = self._execute(session, connection, pipeline, row)
                claimed, seconds = claimed + 1, seconds + elapsed
        self._commit_and_claim(session, connection, pipeline, None, previous)
        return claimed, seconds

    def _commit_and_claim(
        self,
        session: Session,
        connection: PgConnection,
        pipeline: PipelinedTransaction,
        job_id: UUID | None,
        previous: Executed | None,
    ) -> JobRow | None:
        """Commit the previous job and claim the next one; None when there is none or it no longer waits."""
        runtime = self._runtime
        try:
            if job_id is None:
                pipeline.commit()
                row = None
            else:
                runtime.crash("claim.before")
                row = next(iter(runtime.supported(pipeline.begin(job_id))), None)
                runtime.crash("claim.after")
        except runtime.catchable as error:
            if previous is None:
                raise
            self._recover(session, connection, pipeline, BatchFailed(previous.row, previous.started, error))
            return self._commit_and_claim(session, connection, pipeline, job_id, None)
        if previous is not None:
            ring_if_enqueued(session)
            count_outcome(runtime, previous.row, previous.outcome, previous.started, previous.finished)
            runtime.crash("commit.after")
        return row

    def _execute(
        self, session: Session, connection: PgConnection, pipeline: PipelinedTransaction, row: JobRow
    ) -> tuple[Executed | None, float]:
        """Run a claimed job up to its COMMIT; None when it failed and the failure is recorded."""
        runtime = self._runtime
        started, began = runtime.clock.now(), runtime.clock.monotonic()
        try:
            outcome = self._handle(session, connection, row, started)
            seconds, finished = runtime.clock.monotonic() - began, runtime.clock.now()
            runtime.crash("record.before")
            if isinstance(outcome, Done):
                pipeline.finish(row.id, outcome.result, started, finished)
            write_outcome(connection, runtime.worker, row, outcome, started, finished, attempt_increment=1)
        except BatchFailed as failed:
            self._recover(session, connection, pipeline, failed)
            return None, 0.0
        except runtime.catchable as error:
            self._recover(session, connection, pipeline, BatchFailed(row, started, error))
            return None, 0.0
        runtime.crash("record.after")
        runtime.crash("commit.before")
        return Executed(row, outcome, started, finished), seconds

    def _recover(
        self, session: Session, connection: PgConnection, pipeline: PipelinedTransaction, failed: BatchFailed
    ) -> None:
        """Roll back; rerun the job after a deadlock, else record the failure."""
        pipeline.forget()
        _roll_back(session, connection, failed)
        if is_serialization_failure(failed.cause):
            self._run_one(session, connection, failed.row.id)
        else:
            self._record(session, connection, failed)

    def _run_one(self, session: Session, connection: PgConnection, job_id: UUID) -> tuple[int, float]:
        """Run one job in a commit of its own; rerun it after a deadlock."""
        for left in reversed(range(MAX_RERUNS)):
            try:
                return self._run_batch(session, connection, [job_id])
            except BatchFailed as failed:
                _roll_back(session, connection, failed)
                if left and is_serialization_failure(failed.cause):
                    continue
                self._record(session, connection, failed)
                break
        return 1, 0.0

    def _run_batch(self, session: Session, connection: PgConnection, ids: Sequence[UUID]) -> tuple[int, float]:
        runtime = self._runtime
        runtime.crash("claim.before")
        rows = runtime.supported(ledger.begin_queued(connection, ids))
        runtime.crash("claim.after")
        if not rows:
            connection.execute("COMMIT")
            return 0, 0.0
        started, began = runtime.clock.now(), runtime.clock.monotonic()
        outcomes = [(row, self._handle(session, connection, row, started)) for row in rows]
        seconds = runtime.clock.monotonic() - began
        try:
            self._complete(session, connection, outcomes, started)
        except runtime.catchable as error:
            raise BatchFailed(rows[0], started, error) from error
        runtime.crash("commit.after")
        return len(rows), seconds

    def _handle(self, session: Session, connection: PgConnection, row: JobRow, started: datetime) -> Outcome | None:
        """Run one handler. None: the job was marked dead instead. Raises BatchFailed."""
        runtime = self._runtime
        if row.crashes >= MAX_CRASHES:
            poison = Failure("Poison", f"killed its worker {row.crashes} times", "", "poison")
            mark_dead(runtime, session, connection, FailedAttempt(row, row.attempt, None), DeadReason.POISON, poison)
            return None
        if row.cancel_requested:
            return CANCELLED_ON_REQUEST
        if mark_exhausted_dead(runtime, session, connection, row):
            return None
        handler = cast(TransactionalHandler, runtime.handler(row))
        try:
            runtime.crash("effect.before")
            outcome = handler.run(runtime.context(row, row.attempt + 1), session, runtime.payload(row))
            session.flush()
        except runtime.catchable as error:
            raise BatchFailed(row, started, error) from error
        runtime.crash("effect.after")
        forget_rows(session)
        return outcome

    def _complete(
        self,
        session: Session,
        connection: PgConnection,
        outcomes: Sequence[tuple[JobRow, Outcome | None]],
        started: datetime,
    ) -> None:
        """Write the completions and commit."""
        runtime, finished = self._runtime, self._runtime.clock.now()
        done: list[tuple[UUID, object]] = [(row.id, o.result) for row, o in outcomes if isinstance(o, Done)]
        runtime.crash("record.before")
        with committing(connection, session):
            if done:
                ledger.archive(
                    connection, done, attempt_increment=1, worker=runtime.worker, started=started, finished=finished
                )
            for row, outcome in outcomes:
                write_outcome(connection, runtime.worker, row, outcome, started, finished, attempt_increment=1)
            runtime.crash("record.after")
            runtime.crash("commit.before")
        for row, outcome in outcomes:
            count_outcome(runtime, row, outcome, started, finished)

    def _record(self, session: Session, connection: PgConnection, failed: BatchFailed) -> None:
        """Record the failure in a transaction of its own, if the job is still queued."""
        runtime = self._runtime
        for row in ledger.begin_queued(connection, [failed.row.id]):
            if isinstance(failed.cause, Cancelled):
                now = runtime.clock.now()
                outcome = CANCELLED_ON_REQUEST
                write_outcome(connection, runtime.worker, row, outcome, failed.started_at, now, attempt_increment=1)
                count_outcome(runtime, row, outcome, failed.started_at, now)
                continue
            attempt = FailedAttempt(row, row.attempt + 1, failed.started_at)
            record_failure(runtime, session, connection, attempt, failed.cause)
        with committing(connection, session):
            pass


def _roll_back(session: Session, connection: PgConnection, failed: BatchFailed) -> None:
    """Roll back. Raises the cause when the connection is lost: nothing was recorded, and nothing can be."""
    if is_disconnect(failed.cause) or connection.closed:
        raise failed.cause
    session.rollback()
    connection.execute("ROLLBACK")
    prepare(connection)
    session.connection()


def count_outcome(
    runtime: WorkerRuntime, row: JobRow, outcome: Outcome | None, started: datetime | None, finished: datetime
) -> None:
    """Count an attempt by its outcome, after the commit; failures are counted when they are recorded."""
    match outcome:
        case Done():
            runtime.count(row, AttemptOutcome.SUCCEEDED, started, finished)
        case Snooze():
            runtime.count(row, AttemptOutcome.SNOOZED, started, finished)
        case Cancel():
            runtime.count(row, AttemptOutcome.CANCELLED, started, finished)
        case None | WorksOn():
            pass
        case _:
            assert_never(outcome)


def write_outcome(
    connection: PgConnection,
    worker: str,
    row: JobRow,
    outcome: Outcome | None,
    started: datetime,
    finished: datetime,
    *,
    attempt_increment: int,
) -> None:
    """Write an outcome other than Done: a snooze uses no attempt, a cancellation ends the job.

    `burn` is 1 if the job's row does not count this attempt yet, else 0.
    """
    match outcome:
        case Snooze(until):
            ended = UnsuccessfulAttempt(row.id, row.attempt + 1, worker, started, finished, AttemptOutcome.SNOOZED)
            ledger.store_attempt(connection, ended)
            ledger.reschedule(connection, row.id, JobState.SCHEDULED, until, row.attempt)
        case Cancel(reason):
            ledger.archive(
                connection,
                [(row.id, None)],
                state=JobState.CANCELLED,
                reason=reason,
                attempt_increment=attempt_increment,
                worker=worker,
                started=started,
                finished=finished,
            )
            declared.erase(connection, row.id)
        case Done() | None | WorksOn():
            pass
