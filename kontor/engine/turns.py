"""The transaction of an external task's life: it records acts and claims jobs, for several threads at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from kontor.engine import lanes, ledger, outside
from kontor.engine.catalogue import Payload
from kontor.engine.endings import EndedJob, notify
from kontor.engine.enqueue import ring_after_commit
from kontor.engine.failures import UNANSWERED, FailedAttempt, mark_dead, mark_exhausted_dead, record_failure
from kontor.engine.handlers import Cancel, Cancelled, Done, ExternalHandler, Failure, Outcome, Released, Snooze, WorksOn
from kontor.engine.ledger import JobRow, UnsuccessfulAttempt
from kontor.engine.runtime import WorkerRuntime, committing, forget_rows
from kontor.engine.transactional import CANCELLED_ON_REQUEST, MAX_CRASHES, count_outcome, write_outcome
from kontor.engine.turn_statements import TurnStatements
from kontor.kernel.database import PgConnection
from kontor.kernel.states import AttemptOutcome, CrashPolicy, DeadReason, JobState

CRASHED = "crashed"
RELEASED = "released"
INTERRUPTED: Final = frozenset({CRASHED, RELEASED})
"""Reasons of a queued job whose worker died or stopped in the act."""
MAY_HAVE_ACTED: Final = INTERRUPTED | {UNANSWERED}
"""Reasons of a queued job whose act may have taken effect."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job under a lease, with its payload and its handler's plan (None when it ends without an act)."""

    row: JobRow
    number: int
    lease: UUID
    started: datetime
    payload: Payload | None = None
    plan: object = None


@dataclass(frozen=True, slots=True)
class Acted:
    """The result of an act, or the exception that ended it."""

    claimed: Claimed
    result: object = None
    error: BaseException | None = None


Completions = Sequence[tuple[UUID, object]]
"""Jobs that succeeded, with their results."""


@dataclass(slots=True)
class Turn:
    """What a thread needs from one transaction: to record its last act and to claim its next job.

    The transaction sets `rows` (the number of rows locked for the claim) and `claimed`.
    """

    acted: Acted | None
    next_id: UUID | None
    rows: int = 0
    claimed: Claimed | None = None

    @property
    def lane(self) -> str:
        """The lane that the turn may lock; a doorbell carries jobs of one lane only."""
        return (self.acted.claimed.row.lane if self.acted else None) or ""


class ClaimFailed(Exception):
    """A job's claim raised; the transaction must be rolled back."""

    def __init__(self, row: JobRow, cause: BaseException) -> None:
        super().__init__(str(cause))
        self.row = row
        self.cause = cause


class CommitsAlone(Exception):
    """A job of the group has crashed before: it shares no commit with others."""


class TurnTransaction:
    """Records and claims for a group of turns, in one transaction."""

    def __init__(self, runtime: WorkerRuntime) -> None:
        self._runtime = runtime

    def apply(self, turns: Sequence[Turn], *, again: bool = False) -> None:
        """Record and claim in one transaction. `again`: after a transaction that failed.

        Raises ClaimFailed, NotRegistered, CommitsAlone and what the records raise: nothing is written then.
        """
        acted = [turn.acted for turn in turns if turn.acted is not None]
        ids = [turn.next_id for turn in turns if turn.next_id is not None]
        self._crash(acted, "record.before")
        self._crash(ids, "claim.before")
        try:
            done = self._write(turns, acted, ids, again=again)
        except BaseException:
            self._let_go(turn.claimed for turn in turns if turn.claimed is not None)
            raise
        self._crash(acted, "commit.after")
        self._crash(ids, "claim.after")
        self._count(acted, done)
        self._let_go(entry.claimed for entry in acted)

    def _write(self, turns: Sequence[Turn], acted: Sequence[Acted], ids: Sequence[UUID], *, again: bool) -> Completions:
        """Write records and claims; return the completions."""
        with self._runtime.stats.provisional(), self._runtime.transaction() as (session, connection):
            statements = TurnStatements(connection, self._runtime.worker, shared=len(turns) > 1, again=again)
            locked = statements.begin([(entry.claimed.row.id, entry.claimed.lease) for entry in acted], ids)
            rows = {row.id: row for row in self._runtime.supported(locked.waiting)}
            if len(turns) > 1 and any(row.crashes for row in (*rows.values(), *(each.claimed.row for each in acted))):
                raise CommitsAlone
            done: list[tuple[UUID, object]] = []
            for turn in sorted(turns, key=lambda turn: turn.lane):
                if turn.acted is not None and turn.acted.claimed.row.id in locked.held:
                    done.extend(self._record(session, connection, turn.acted))
            self._claim(session, connection, turns, rows)
            with committing(connection, session):
                self._write_states(statements, turns, done)
                self._crash(acted, "record.after", "commit.before")
        return done

    def _crash(self, affected: Sequence[object], *points: str) -> None:
        for point in points if affected else ():
            self._runtime.crash(point)

    def _count(self, acted: Sequence[Acted], done: Completions) -> None:
        """Count the successes of a group that is committed."""
        now, succeeded = self._runtime.clock.now(), {job_id for job_id, _ in done}
        for claimed in (entry.claimed for entry in acted if entry.claimed.row.id in succeeded):
            count_outcome(self._runtime, claimed.row, Done(), claimed.started, now)

    def _let_go(self, claims: Iterable[Claimed]) -> None:
        for claimed in claims:
            self._runtime.holdings.drop_lease(claimed.lease)

    def _write_states(self, statements: TurnStatements, turns: Sequence[Turn], done: Completions) -> None:
        """Write the completions and the leases of a group."""
        runtime = self._runtime
        claims = [(turn.claimed.row.id, turn.claimed.lease) for turn in turns if turn.claimed is not None]
        for _, lease in claims:
            runtime.holdings.take_lease(lease)
        statements.write(done, claims, runtime.clock.now(), registered_only=runtime.registered_only)

    def _claim(
        self, session: Session, connection: PgConnection, turns: Sequence[Turn], rows: Mapping[UUID, JobRow]
    ) -> None:
        """Let the locked jobs into their lanes, in the order of the lanes' names, and get their plans."""
        now = self._runtime.clock.now()
        claiming = [(rows[turn.next_id], turn) for turn in turns if turn.next_id is not None and turn.next_id in rows]
        for row, turn in sorted(claiming, key=lambda each: each[0].lane or ""):
            turn.rows, turn.claimed = 1, None
            if row.lane is None or row.cancel_requested or lanes.enter(connection, row.lane, row.id, now):
                turn.claimed = self._plan(session, connection, row, now)

    def _plan(self, session: Session, connection: PgConnection, row: JobRow, now: datetime) -> Claimed | None:
        """Get the handler's plan; None when the job ends here. Raises ClaimFailed."""
        runtime, number, lease = self._runtime, row.attempt + 1, uuid4()
        if self._mark_crashed_dead(session, connection, row):
            return None
        if row.cancel_requested:
            self._finish(
                session,
                connection,
                Claimed(row, number, lease, now),
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
            payload = runtime.payload(row)
            plan = handler.claim(runtime.context(row, number, lease), session, payload)
            session.flush()
        except runtime.catchable as error:
            raise ClaimFailed(row, error) from error
        forget_rows(session)
        claimed = Claimed(row, number, lease, now, payload, plan)
        if isinstance(plan, Done | Snooze | Cancel):
            self._finish(session, connection, claimed, plan, attempt_increment=1, healthy=False)
            return None
        return claimed

    def _mark_crashed_dead(self, session: Session, connection: PgConnection, row: JobRow) -> bool:
        """Mark a job dead that killed three workers, or (policy `park`) whose worker died during `act`."""
        crash = self._runtime.registry.catalogue[row.task].policy.crash
        parked = row.reason in INTERRUPTED and crash is CrashPolicy.PARK
        if row.crashes < MAX_CRASHES and not parked:
            return False
        reason = DeadReason.UNKNOWN if parked else DeadReason.POISON
        message = "its worker died in the act" if parked else f"killed its worker {row.crashes} times"
        failure = Failure(reason.capitalize(), message, "", reason)
        mark_dead(self._runtime, session, connection, FailedAttempt(row, row.attempt, None), reason, failure)
        self._runtime.free_lane(session, connection, row, healthy=False)
        return True

    def _record(self, session: Session, connection: PgConnection, acted: Acted) -> Completions:
        """Let the handler record its result. Return the completion, for the shared statement."""
        runtime, claimed, row = self._runtime, acted.claimed, acted.claimed.row
        if isinstance(acted.error, Cancelled):
            self._finish(session, connection, claimed, CANCELLED_ON_REQUEST, attempt_increment=0, healthy=False)
            return []
        if isinstance(acted.error, Released):
            self._release(session, connection, claimed)
            return []
        if acted.error is not None:
            attempt = FailedAttempt(row, claimed.number, claimed.started)
            record_failure(runtime, session, connection, attempt, acted.error)
            return []
        handler = cast(ExternalHandler, runtime.handler(row))
        job = runtime.context(row, claimed.number, claimed.lease)
        payload = cast(Payload, claimed.payload)
        outcome = handler.record(job, session, payload, claimed.plan, acted.result)
        session.flush()
        forget_rows(session)
        if isinstance(outcome, Done):
            runtime.free_lane(session, connection, row, healthy=True)
            return [(row.id, outcome.result)]
        if isinstance(outcome, WorksOn):
            outside.hand_over(connection, row.id, claimed.lease, outcome.worker)
            if row.lane is not None:
                lanes.heal(connection, row.lane)
            return []
        self._finish(session, connection, claimed, outcome, attempt_increment=0, healthy=True)
        return []

    def _release(self, session: Session, connection: PgConnection, claimed: Claimed) -> None:
        """Give a job back unharmed: the attempt does not count."""
        runtime, row, now = self._runtime, claimed.row, self._runtime.clock.now()
        attempt = UnsuccessfulAttempt(
            row.id, claimed.number, runtime.worker, claimed.started, now, AttemptOutcome.RELEASED
        )  # fmt: skip
        ledger.store_attempt(connection, attempt)
        ledger.reschedule(connection, row.id, JobState.QUEUED, row.run_at, row.attempt)
        runtime.count(row, AttemptOutcome.RELEASED, claimed.started, now)
        runtime.free_lane(session, connection, row, healthy=False)
        ring_after_commit(session, runtime.jobs.doorbell)

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
        if isinstance(outcome, Cancel):
            acted = row.attempt > 0 or row.reason is not None
            state, reason = JobState.CANCELLED, outcome.reason
            ended = EndedJob(row.id, row.task, row.tenant, state, error=reason, may_have_acted=acted)
            notify(session, runtime.jobs.child_of(row.id, row.trace_id), ended)
        count_outcome(runtime, row, outcome, claimed.started, now)
        runtime.free_lane(session, connection, row, healthy=healthy)
