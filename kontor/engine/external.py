"""Runs external tasks: claim (transaction), act (no open transaction), record (transaction).

The lease written by the claim is the fence: a worker that lost it finds no row to record on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from kontor.engine import lanes, ledger
from kontor.engine.failures import FailedAttempt, mark_dead, mark_exhausted_dead, record_failure
from kontor.engine.handlers import Cancel, Cancelled, Done, ExternalHandler, Failure, Outcome, Snooze, Verifying
from kontor.engine.ledger import JobRow
from kontor.engine.runtime import WorkerRuntime, committing
from kontor.engine.transactional import CANCELLED_ON_REQUEST, MAX_CRASHES, MAX_RERUNS, count_outcome, write_outcome
from kontor.kernel.database import PgConnection, is_disconnect, is_serialization_failure
from kontor.kernel.states import CrashPolicy, DeadReason

CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job under a lease, with its handler's plan."""

    row: JobRow
    number: int
    lease: UUID
    started: datetime
    plan: object


@dataclass(frozen=True, slots=True)
class Acted:
    """The result of an act, or the exception that ended it."""

    claimed: Claimed
    result: object = None
    error: BaseException | None = None


class ClaimFailed(Exception):
    """A job's claim raised; all claims of its transaction must be rolled back."""

    def __init__(self, row: JobRow, cause: BaseException) -> None:
        super().__init__(str(cause))
        self.row = row
        self.cause = cause


class ExternalRunner:
    """Runs doorbells of external tasks."""

    def __init__(self, runtime: WorkerRuntime) -> None:
        self._runtime = runtime

    def run(self, ids: Sequence[UUID]) -> tuple[int, float]:
        """Run the jobs still queued. Return the number claimed and the seconds spent in `act`."""
        runtime = self._runtime
        count, claims = self._claim_all(ids, uuid4())
        began = runtime.clock.monotonic()
        acted = [self._act(claimed) for claimed in claims]
        seconds = runtime.clock.monotonic() - began
        if acted:
            self._record_all(acted)
        return count, seconds

    def _claim_all(self, ids: Sequence[UUID], lease: UUID) -> tuple[int, list[Claimed]]:
        """Claim all jobs in one transaction under one lease; if a claim fails, claim them one by one."""
        try:
            return self._claim(ids, lease)
        except ClaimFailed as failed:
            if is_disconnect(failed.cause):
                raise failed.cause from failed
            if len(ids) == 1:
                self._record_claim_failure(failed)
                return 1, []
        count, claims = 0, []
        for job_id in ids:
            added, claimed = self._claim_all([job_id], lease)
            count += added
            claims.extend(claimed)
        return count, claims

    def _claim(self, ids: Sequence[UUID], lease: UUID) -> tuple[int, list[Claimed]]:
        runtime = self._runtime
        runtime.crash("claim.before")
        with runtime.transaction() as (session, connection):
            rows = runtime.supported(ledger.begin_queued(connection, ids))
            now = runtime.clock.now()
            by_lane = sorted(rows, key=lambda row: row.lane or "")
            admitted = [row for row in by_lane if self._enter_lane(connection, row, now)]
            planned = [self._plan(session, connection, row, lease, now) for row in admitted]
            claims = [claimed for claimed in planned if claimed is not None]
            with committing(connection, session):
                if claims:
                    ledger.start(connection, [claimed.row.id for claimed in claims], lease, runtime.worker, now)
        runtime.crash("claim.after")
        return len(rows), claims

    def _enter_lane(self, connection: PgConnection, row: JobRow, now: datetime) -> bool:
        return row.lane is None or row.cancel_requested or lanes.enter(connection, row.lane, row.id, now)

    def _plan(
        self, session: Session, connection: PgConnection, row: JobRow, lease: UUID, now: datetime
    ) -> Claimed | None:
        """Get the handler's plan; None when the job ends here. Raises ClaimFailed."""
        runtime, number = self._runtime, row.attempt + 1
        if self._mark_crashed_dead(session, connection, row):
            return None
        if row.cancel_requested:
            self._finish(
                session,
                connection,
                Claimed(row, number, lease, now, CANCELLED_ON_REQUEST),
                CANCELLED_ON_REQUEST,
                attempt_increment=0,
                healthy=False,
            )
            return None
        if mark_exhausted_dead(runtime, session, connection, row):
            runtime.free_lane(session, connection, row, healthy=False)
            return None
        handler = cast(ExternalHandler, runtime.handler(row))
        try:
            plan = handler.claim(runtime.context(row, number), session, runtime.payload(row))
            session.flush()
        except runtime.catchable as error:
            raise ClaimFailed(row, error) from error
        session.expunge_all()
        claimed = Claimed(row, number, lease, now, plan)
        if isinstance(plan, Done | Snooze | Cancel):
            self._finish(session, connection, claimed, plan, attempt_increment=1, healthy=False)
            return None
        return claimed

    def _mark_crashed_dead(self, session: Session, connection: PgConnection, row: JobRow) -> bool:
        """Mark a job dead that killed three workers, or (policy `park`) whose worker died during `act`."""
        crash = self._runtime.registry.catalogue[row.task].policy.crash
        parked = row.reason == CRASHED and crash is CrashPolicy.PARK
        if row.crashes < MAX_CRASHES and not parked:
            return False
        reason = DeadReason.UNKNOWN if parked else DeadReason.POISON
        message = "its worker died in the act" if parked else f"killed its worker {row.crashes} times"
        failure = Failure(reason.capitalize(), message, "", reason)
        mark_dead(self._runtime, session, connection, FailedAttempt(row, row.attempt, None), reason, failure)
        self._runtime.free_lane(session, connection, row, healthy=False)
        return True

    def _act(self, claimed: Claimed) -> Acted:
        runtime, row = self._runtime, claimed.row
        handler = cast(ExternalHandler, runtime.handler(row))
        job = runtime.context(row, claimed.number)
        try:
            runtime.crash("effect.before")
            result = None
            if row.reason == CRASHED and isinstance(handler, Verifying):
                result = handler.verify(job, claimed.plan)
            if result is None:
                result = handler.act(job, claimed.plan)
            runtime.crash("effect.after")
        except runtime.catchable as error:
            return Acted(claimed, error=error)
        return Acted(claimed, result=result)

    def _record_all(self, acted: Sequence[Acted]) -> None:
        """Record all results in one transaction; if that fails, record them one by one."""
        if self._try_record(acted) is not None:
            for entry in acted:
                self._record_alone(entry)

    def _record_alone(self, acted: Acted) -> None:
        """Wait for PostgreSQL if it is down, rerun after a deadlock, record any other error as the job's failure."""
        entry, reruns = acted, MAX_RERUNS
        while (error := self._try_record([entry])) is not None:
            if is_disconnect(error):
                if not self._runtime.wait_for_database():
                    raise error
            elif is_serialization_failure(error) and reruns:
                reruns -= 1
            elif entry is acted:
                entry = Acted(acted.claimed, error=error)
            else:
                raise error

    def _try_record(self, acted: Sequence[Acted]) -> BaseException | None:
        try:
            self._record(acted)
        except self._runtime.catchable as error:
            return error
        return None

    def _record(self, acted: Sequence[Acted]) -> None:
        runtime = self._runtime
        runtime.crash("record.before")
        with runtime.transaction() as (session, connection):
            lease = acted[0].claimed.lease
            still_held = ledger.begin_fenced(connection, [entry.claimed.row.id for entry in acted], lease)
            done: list[tuple[UUID, object]] = []
            for entry in acted:
                if entry.claimed.row.id in still_held:
                    done.extend(self._record_one(session, connection, entry))
            with committing(connection, session):
                if done:
                    ledger.archive(
                        connection,
                        done,
                        attempt_increment=0,
                        worker=runtime.worker,
                        started=None,
                        finished=runtime.clock.now(),
                    )
                runtime.crash("record.after")
                runtime.crash("commit.before")
        runtime.crash("commit.after")

    def _record_one(self, session: Session, connection: PgConnection, acted: Acted) -> list[tuple[UUID, object]]:
        """Let the handler record its result. Return the completion, for the shared statement."""
        runtime, claimed, row = self._runtime, acted.claimed, acted.claimed.row
        if isinstance(acted.error, Cancelled):
            self._finish(session, connection, claimed, CANCELLED_ON_REQUEST, attempt_increment=0, healthy=False)
            return []
        if acted.error is not None:
            attempt = FailedAttempt(row, claimed.number, claimed.started)
            record_failure(runtime, session, connection, attempt, acted.error)
            return []
        handler = cast(ExternalHandler, runtime.handler(row))
        job = runtime.context(row, claimed.number)
        outcome = handler.record(job, session, runtime.payload(row), claimed.plan, acted.result)
        session.flush()
        session.expunge_all()
        if isinstance(outcome, Done):
            runtime.free_lane(session, connection, row, healthy=True)
            count_outcome(runtime, row, outcome, claimed.started, runtime.clock.now())
            return [(row.id, outcome.result)]
        self._finish(session, connection, claimed, outcome, attempt_increment=0, healthy=True)
        return []

    def _finish(
        self,
        session: Session,
        connection: PgConnection,
        claimed: Claimed,
        outcome: Outcome,
        *,
        attempt_increment: int,
        healthy: bool,
    ) -> None:
        """End a job with an outcome and free its lane."""
        runtime, row, now = self._runtime, claimed.row, self._runtime.clock.now()
        if isinstance(outcome, Done):
            done = [(row.id, outcome.result)]
            ledger.archive(
                connection,
                done,
                attempt_increment=attempt_increment,
                worker=runtime.worker,
                started=claimed.started,
                finished=now,
            )
        write_outcome(
            connection, runtime.worker, row, outcome, claimed.started, now, attempt_increment=attempt_increment
        )
        count_outcome(runtime, row, outcome, claimed.started, now)
        runtime.free_lane(session, connection, row, healthy=healthy)

    def _record_claim_failure(self, failed: ClaimFailed) -> None:
        """Record a claim that raised as a failed attempt."""
        runtime = self._runtime
        with runtime.transaction() as (session, connection):
            for row in ledger.begin_queued(connection, [failed.row.id]):
                attempt = FailedAttempt(row, row.attempt + 1, None)
                record_failure(runtime, session, connection, attempt, failed.cause, remote_reached=False)
            with committing(connection, session):
                pass
