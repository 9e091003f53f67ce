"""External tasks: claim (transaction), act (no transaction open), record (transaction).

The lease written by the claim is the fence: a worker that lost it finds no row to record on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from domain.jobs import CrashPolicy, DeadReason
from engine import lanes, ledger
from engine.failing import Attempted, bury, record_failure
from engine.handlers import External, Verifying
from engine.ledger import Driver, JobRow
from engine.losses import is_clash, is_lost
from engine.outcomes import Cancel, Done, Failure, Outcome, Snooze, Stopped
from engine.transactional import POISON, RERUNS, STOPPED, count_outcome, settle
from engine.workshop import Workshop

CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job under a lease, with its handler's plan, and after the act what came of it."""

    row: JobRow
    number: int
    lease: UUID
    started: datetime
    plan: Any


@dataclass(frozen=True, slots=True)
class Acted:
    """The result of an act, or the exception that ended it."""

    claimed: Claimed
    result: Any = None
    error: BaseException | None = None


class ClaimFailed(Exception):
    """A job's claim raised; the claims that shared its transaction are to be rolled back."""

    def __init__(self, row: JobRow, cause: BaseException) -> None:
        super().__init__(str(cause))
        self.row = row
        self.cause = cause


class ExternalRunner:
    """Runs doorbells of external tasks."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop

    def run(self, ids: Sequence[UUID]) -> tuple[int, float]:
        """Run what is still queued. Returns how many were claimed and the seconds their acts took."""
        shop = self._shop
        count, claims = self._claim_all(ids, uuid4())
        began = shop.clock.monotonic()
        acted = [self._act(claimed) for claimed in claims]
        seconds = shop.clock.monotonic() - began
        if acted:
            self._record_all(acted)
        return count, seconds

    def _claim_all(self, ids: Sequence[UUID], lease: UUID) -> tuple[int, list[Claimed]]:
        """Claim together under one lease; when a claim fails, one by one."""
        try:
            return self._claim(ids, lease)
        except ClaimFailed as failed:
            if is_lost(failed.cause):
                raise failed.cause from failed
            if len(ids) == 1:
                self._record_claim_failure(failed)
                return 1, []
        count, claims = 0, []
        for job_id in ids:
            one, claimed = self._claim_all([job_id], lease)
            count += one
            claims.extend(claimed)
        return count, claims

    def _claim(self, ids: Sequence[UUID], lease: UUID) -> tuple[int, list[Claimed]]:
        shop = self._shop
        shop.crash("claim.before")
        with shop.transaction() as (session, driver):
            rows = ledger.begin_queued(driver, ids)
            now = shop.clock.now()
            by_lane = sorted(rows, key=lambda row: row.lane or "")
            free = [row for row in by_lane if self._enter(driver, row, now)]
            planned = [self._plan(session, driver, row, lease, now) for row in free]
            claims = [claimed for claimed in planned if claimed is not None]
            with ledger.committing(driver, session):
                if claims:
                    ledger.start(driver, [claimed.row.id for claimed in claims], lease, shop.worker, now)
        shop.crash("claim.after")
        return len(rows), claims

    def _enter(self, driver: Driver, row: JobRow, now: datetime) -> bool:
        return row.lane is None or row.cancel_requested or lanes.enter(driver, row.lane, row.id, now)

    def _plan(self, session: Session, driver: Driver, row: JobRow, lease: UUID, now: datetime) -> Claimed | None:
        """Ask the handler for its plan; None when the job ends here. Raises ClaimFailed."""
        shop, number = self._shop, row.attempt + 1
        if self._bury_crashed(session, driver, row):
            return None
        if row.cancel_requested:
            self._finish(session, driver, Claimed(row, number, lease, now, STOPPED), STOPPED, burn=0, healthy=False)
            return None
        handler = cast(External, shop.handler(row))
        try:
            plan = handler.claim(shop.context(row, number), session, shop.payload(row))
            session.flush()
        except shop.catchable as error:
            raise ClaimFailed(row, error) from error
        session.expunge_all()
        claimed = Claimed(row, number, lease, now, plan)
        if isinstance(plan, Done | Snooze | Cancel):
            self._finish(session, driver, claimed, plan, burn=1, healthy=False)
            return None
        return claimed

    def _bury_crashed(self, session: Session, driver: Driver, row: JobRow) -> bool:
        """A job that killed three workers, or whose effect is unknown and a person's to judge, is dead."""
        crash = self._shop.registry.catalogue[row.task].policy.crash
        parked = row.reason == CRASHED and crash is CrashPolicy.PARK
        if row.crashes < POISON and not parked:
            return False
        reason = DeadReason.UNKNOWN if parked else DeadReason.POISON
        message = "its worker died in the act" if parked else f"killed its worker {row.crashes} times"
        failure = Failure(reason.capitalize(), message, "", reason)
        bury(self._shop, session, driver, Attempted(row, row.attempt, None), reason, failure)
        self._shop.free_lane(session, driver, row, healthy=False)
        return True

    def _act(self, claimed: Claimed) -> Acted:
        shop, row = self._shop, claimed.row
        handler: Any = shop.handler(row)
        job = shop.context(row, claimed.number)
        try:
            shop.crash("effect.before")
            result = None
            if row.reason == CRASHED and isinstance(handler, Verifying):
                result = handler.verify(job, claimed.plan)
            if result is None:
                result = handler.act(job, claimed.plan)
            shop.crash("effect.after")
        except shop.catchable as error:
            return Acted(claimed, error=error)
        return Acted(claimed, result=result)

    def _record_all(self, acted: Sequence[Acted]) -> None:
        """Record together; when that fails, one by one."""
        if self._try_record(acted) is not None:
            for one in acted:
                self._record_alone(one)

    def _record_alone(self, one: Acted) -> None:
        """PostgreSQL being away is waited for, a deadlock is run again, any other problem is the job's failure."""
        entry, reruns = one, RERUNS
        while (problem := self._try_record([entry])) is not None:
            if is_lost(problem):
                if not self._shop.pause():
                    raise problem
            elif is_clash(problem) and reruns:
                reruns -= 1
            elif entry is one:
                entry = Acted(one.claimed, error=problem)
            else:
                raise problem

    def _try_record(self, acted: Sequence[Acted]) -> BaseException | None:
        try:
            self._record(acted)
        except self._shop.catchable as error:
            return error
        return None

    def _record(self, acted: Sequence[Acted]) -> None:
        shop = self._shop
        shop.crash("record.before")
        with shop.transaction() as (session, driver):
            lease = acted[0].claimed.lease
            ours = ledger.begin_fenced(driver, [one.claimed.row.id for one in acted], lease)
            done: list[tuple[UUID, Any]] = []
            for one in acted:
                if one.claimed.row.id in ours:
                    done.extend(self._record_one(session, driver, one))
            with ledger.committing(driver, session):
                if done:
                    ledger.archive(driver, done, burn=0, worker=shop.worker, started=None, finished=shop.clock.now())
                shop.crash("record.after")
                shop.crash("commit.before")
        shop.crash("commit.after")

    def _record_one(self, session: Session, driver: Driver, one: Acted) -> list[tuple[UUID, Any]]:
        """Let the handler write down its result. Returns the completion, for the shared statement."""
        shop, claimed, row = self._shop, one.claimed, one.claimed.row
        if isinstance(one.error, Stopped):
            self._finish(session, driver, claimed, STOPPED, burn=0, healthy=False)
            return []
        if one.error is not None:
            tried = Attempted(row, claimed.number, claimed.started)
            record_failure(shop, session, driver, tried, one.error)
            return []
        handler = cast(External, shop.handler(row))
        job = shop.context(row, claimed.number)
        outcome = handler.record(job, session, shop.payload(row), claimed.plan, one.result)
        session.flush()
        session.expunge_all()
        if isinstance(outcome, Done):
            shop.free_lane(session, driver, row, healthy=True)
            count_outcome(shop, row, outcome, claimed.started, shop.clock.now())
            return [(row.id, outcome.result)]
        self._finish(session, driver, claimed, outcome, burn=0, healthy=True)
        return []

    def _finish(
        self, session: Session, driver: Driver, claimed: Claimed, outcome: Outcome, *, burn: int, healthy: bool
    ) -> None:
        """End a job by an outcome, and free its lane."""
        shop, row, now = self._shop, claimed.row, self._shop.clock.now()
        if isinstance(outcome, Done):
            done = [(row.id, outcome.result)]
            ledger.archive(driver, done, burn=burn, worker=shop.worker, started=claimed.started, finished=now)
        settle(driver, shop.worker, row, outcome, claimed.started, now, burn=burn)
        count_outcome(shop, row, outcome, claimed.started, now)
        shop.free_lane(session, driver, row, healthy=healthy)

    def _record_claim_failure(self, failed: ClaimFailed) -> None:
        """A claim that raises is a failed attempt."""
        shop = self._shop
        with shop.transaction() as (session, driver):
            for row in ledger.begin_queued(driver, [failed.row.id]):
                tried = Attempted(row, row.attempt + 1, None)
                record_failure(shop, session, driver, tried, failed.cause, asked=False)
            with ledger.committing(driver, session):
                pass
