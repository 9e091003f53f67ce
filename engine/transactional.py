"""Transactional tasks: the handler's writes, its follow-up jobs and its completion commit together.

The row lock is the claim. A batch shares one commit; when any of it fails, all of it is rolled back and
run again one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never, cast
from uuid import UUID

from sqlalchemy.orm import Session

from domain.jobs import AttemptOutcome, DeadReason, JobState
from engine import ledger
from engine.enqueue import committed
from engine.express import Express, prepare
from engine.failing import Attempted, bury, record_failure
from engine.handlers import Transactional
from engine.ledger import Driver, Ended, JobRow
from engine.losses import is_clash, is_lost
from engine.outcomes import Cancel, Done, Failure, Outcome, Snooze
from engine.workshop import Workshop

POISON = 3
RERUNS = 3
STOPPED = Cancel("cancelled on request")


class Failed(Exception):
    """A job of a batch failed; the transaction is to be rolled back."""

    def __init__(self, row: JobRow, started_at: datetime, cause: BaseException) -> None:
        super().__init__(str(cause))
        self.row = row
        self.started_at = started_at
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Begun:
    """A job that ran and is not committed yet."""

    row: JobRow
    outcome: Outcome | None
    started: datetime
    finished: datetime


class TransactionalRunner:
    """Runs doorbells of transactional tasks."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop

    def run(self, ids: Sequence[UUID], *, share: bool) -> tuple[int, float]:
        """Run what is still queued, in one commit or each in its own.

        Returns how many were claimed and the seconds their handlers took.
        """
        with self._shop.transaction() as (session, driver):
            if share and len(ids) > 1:
                try:
                    return self._together(session, driver, ids)
                except Failed as failed:
                    _undo(session, driver, failed)
            return self._in_turn(session, driver, ids)

    def _in_turn(self, session: Session, driver: Driver, ids: Sequence[UUID]) -> tuple[int, float]:
        """Each job in a commit of its own, which is sent with the claim of the next."""
        express, claimed, seconds = Express(driver, self._shop.worker), 0, 0.0
        before: Begun | None = None
        for job_id in ids:
            row = self._advance(session, driver, express, job_id, before)
            before = None
            if row is not None:
                before, took = self._perform(session, driver, express, row)
                claimed, seconds = claimed + 1, seconds + took
        self._advance(session, driver, express, None, before)
        return claimed, seconds

    def _advance(
        self, session: Session, driver: Driver, express: Express, job_id: UUID | None, before: "Begun | None"
    ) -> JobRow | None:
        """Commit what is done and claim the next job, if there is one and it still waits."""
        shop = self._shop
        try:
            if job_id is None:
                express.commit()
                row = None
            else:
                shop.crash("claim.before")
                row = express.begin(job_id)
                shop.crash("claim.after")
        except shop.catchable as error:
            if before is None:
                raise
            self._again(session, driver, express, Failed(before.row, before.started, error))
            return self._advance(session, driver, express, job_id, None)
        if before is not None:
            committed(session)
            count_outcome(shop, before.row, before.outcome, before.started, before.finished)
            shop.crash("commit.after")
        return row

    def _perform(self, session: Session, driver: Driver, express: Express, row: JobRow) -> tuple["Begun | None", float]:
        """Run a claimed job up to its COMMIT; None when it failed, which is written down by then."""
        shop = self._shop
        started, began = shop.clock.now(), shop.clock.monotonic()
        try:
            outcome = self._handle(session, driver, row, started)
            seconds, finished = shop.clock.monotonic() - began, shop.clock.now()
            shop.crash("record.before")
            if isinstance(outcome, Done):
                express.finish(row.id, outcome.result, started, finished)
            settle(driver, shop.worker, row, outcome, started, finished, burn=1)
        except Failed as failed:
            self._again(session, driver, express, failed)
            return None, 0.0
        except shop.catchable as error:
            self._again(session, driver, express, Failed(row, started, error))
            return None, 0.0
        shop.crash("record.after")
        shop.crash("commit.before")
        return Begun(row, outcome, started, finished), seconds

    def _again(self, session: Session, driver: Driver, express: Express, failed: Failed) -> None:
        """Roll back; run the job again when the failure is nobody's, else write it down."""
        express.forget()
        _undo(session, driver, failed)
        if is_clash(failed.cause):
            self._alone(session, driver, failed.row.id)
        else:
            self._record(session, driver, failed)

    def _alone(self, session: Session, driver: Driver, job_id: UUID) -> tuple[int, float]:
        """One job in a commit of its own. A deadlock is nobody's fault and is run again."""
        for left in reversed(range(RERUNS)):
            try:
                return self._together(session, driver, [job_id])
            except Failed as failed:
                _undo(session, driver, failed)
                if left and is_clash(failed.cause):
                    continue
                self._record(session, driver, failed)
                break
        return 1, 0.0

    def _together(self, session: Session, driver: Driver, ids: Sequence[UUID]) -> tuple[int, float]:
        shop = self._shop
        shop.crash("claim.before")
        rows = ledger.begin_queued(driver, ids)
        shop.crash("claim.after")
        if not rows:
            driver.execute("COMMIT")
            return 0, 0.0
        started, began = shop.clock.now(), shop.clock.monotonic()
        outcomes = [(row, self._handle(session, driver, row, started)) for row in rows]
        seconds = shop.clock.monotonic() - began
        try:
            self._complete(session, driver, outcomes, started)
        except shop.catchable as error:
            raise Failed(rows[0], started, error) from error
        shop.crash("commit.after")
        return len(rows), seconds

    def _handle(self, session: Session, driver: Driver, row: JobRow, started: datetime) -> Outcome | None:
        """Run one handler. None: the job was buried instead. Raises Failed."""
        shop = self._shop
        if row.crashes >= POISON:
            poison = Failure("Poison", f"killed its worker {row.crashes} times", "", "poison")
            bury(shop, session, driver, Attempted(row, row.attempt, None), DeadReason.POISON, poison)
            return None
        if row.cancel_requested:
            return STOPPED
        handler = cast(Transactional, shop.handler(row))
        try:
            shop.crash("effect.before")
            outcome = handler.run(shop.context(row, row.attempt + 1), session, shop.payload(row))
            session.flush()
        except shop.catchable as error:
            raise Failed(row, started, error) from error
        shop.crash("effect.after")
        if session.identity_map:
            session.expunge_all()
        return outcome

    def _complete(
        self,
        session: Session,
        driver: Driver,
        outcomes: Sequence[tuple[JobRow, Outcome | None]],
        started: datetime,
    ) -> None:
        """Write the completions and commit."""
        shop, finished = self._shop, self._shop.clock.now()
        done: list[tuple[UUID, Any]] = [(row.id, o.result) for row, o in outcomes if isinstance(o, Done)]
        shop.crash("record.before")
        with ledger.committing(driver, session):
            if done:
                ledger.archive(driver, done, burn=1, worker=shop.worker, started=started, finished=finished)
            for row, outcome in outcomes:
                settle(driver, shop.worker, row, outcome, started, finished, burn=1)
            shop.crash("record.after")
            shop.crash("commit.before")
        for row, outcome in outcomes:
            count_outcome(shop, row, outcome, started, finished)

    def _record(self, session: Session, driver: Driver, failed: Failed) -> None:
        """Write down the failure in a transaction of its own, if the job is still ours to write."""
        shop = self._shop
        for row in ledger.begin_queued(driver, [failed.row.id]):
            tried = Attempted(row, row.attempt + 1, failed.started_at)
            record_failure(shop, session, driver, tried, failed.cause)
        with ledger.committing(driver, session):
            pass


def _undo(session: Session, driver: Driver, failed: Failed) -> None:
    """Roll back. Raises the cause when PostgreSQL went away: nothing was recorded, and nothing can be."""
    if is_lost(failed.cause) or driver.closed:
        raise failed.cause
    session.rollback()
    driver.execute("ROLLBACK")
    prepare(driver)
    session.connection()


def count_outcome(
    shop: Workshop, row: JobRow, outcome: Outcome | None, started: datetime | None, finished: datetime
) -> None:
    """Count an attempt by its outcome, after the commit; a failed one was counted where it was written down."""
    match outcome:
        case Done():
            shop.count(row, AttemptOutcome.SUCCEEDED, started, finished)
        case Snooze():
            shop.count(row, AttemptOutcome.SNOOZED, started, finished)
        case Cancel():
            shop.count(row, AttemptOutcome.CANCELLED, started, finished)
        case None:
            pass
        case _:
            assert_never(outcome)


def settle(
    driver: Driver,
    worker: str,
    row: JobRow,
    outcome: Outcome | None,
    started: datetime,
    finished: datetime,
    *,
    burn: int,
) -> None:
    """Write an outcome other than Done: a snooze burns no attempt, a cancellation ends the job.

    `burn` is 1 while the job's row does not count this attempt yet, 0 when it does.
    """
    match outcome:
        case Snooze(until):
            ended = Ended(row.id, row.attempt + 1, worker, started, finished, AttemptOutcome.SNOOZED)
            ledger.write_attempt(driver, ended)
            ledger.reschedule(driver, row.id, JobState.SCHEDULED, until, row.attempt)
        case Cancel(reason):
            ledger.archive(
                driver,
                [(row.id, None)],
                state=JobState.CANCELLED,
                reason=reason,
                burn=burn,
                worker=worker,
                started=started,
                finished=finished,
            )
        case Done() | None:
            pass
