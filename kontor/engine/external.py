"""Runs external tasks one by one: claim (transaction), act (no open transaction), record (transaction).

A thread claims its next job in the transaction that records the last one, and threads that need a transaction at the
same moment share it (kontor/engine/group_commit.py). So a thread has at most one job under a lease, `running` is what
acts now, and a killed process repeats at most one outside effect per thread. The lease is the fence: a worker that
lost it finds no row to record on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast
from uuid import UUID

import structlog

from kontor.engine import ledger
from kontor.engine.failures import FailedAttempt, record_failure
from kontor.engine.group_commit import GroupCommit
from kontor.engine.handlers import ExternalHandler, Verifying
from kontor.engine.runtime import WorkerRuntime, committing
from kontor.engine.transactional import MAX_RERUNS
from kontor.engine.turn_statements import NotRegistered
from kontor.engine.turns import MAY_HAVE_ACTED, Acted, Claimed, ClaimFailed, Turn, TurnTransaction
from kontor.kernel.database import is_disconnect, is_refused_for_now, is_serialization_failure
from kontor.kernel.doorbells import HANDED_BACK

log = structlog.get_logger(__name__)

BELL_ACT_SECONDS: Final = 0.2
BELL_SECONDS: Final = 1.0
"""A thread hands back the rest of a doorbell whose acts, or the whole, take longer: other threads may be idle."""


@dataclass(slots=True)
class BellRun:
    """How far a thread came with a doorbell: jobs claimed, seconds in acts, the slowest act, the job in hand."""

    began: float
    count: int = 0
    acting: float = 0.0
    slowest: float = 0.0
    claimed: Claimed | None = None


class ExternalRunner:
    """Runs doorbells of external tasks; the threads of a process share its transactions."""

    def __init__(self, runtime: WorkerRuntime) -> None:
        self._runtime = runtime
        self._transaction = TurnTransaction(runtime)
        self._group: GroupCommit[Turn] = GroupCommit(self._transaction.apply)

    def run(self, ids: Sequence[UUID]) -> tuple[int, float]:
        """Run the jobs still queued, one after another.

        Return the number claimed, and the seconds they would have taken if each were as slow as the slowest.
        HANDED_BACK instead of a number: none was tried, since the worker is stopping or may not claim.
        """
        bell = BellRun(self._runtime.clock.monotonic())
        try:
            self._run(ids, bell)
        except NotRegistered:
            log.warning("claim.struck_off", worker=self._runtime.worker, jobs=len(ids))
        finally:
            self._group.leave()
            # Recorded, or it never will be: the relay requeues what runs under a lease that no beat reports.
            if bell.claimed is not None:
                self._runtime.holdings.drop_lease(bell.claimed.lease)
        return bell.count, bell.slowest * max(bell.count, 0)

    def _run(self, ids: Sequence[UUID], bell: BellRun) -> None:
        runtime, acted = self._runtime, None
        for place, job_id in enumerate(ids):
            if not runtime.may_claim() or (place and self._takes_long(bell)):
                if not place:
                    bell.count = HANDED_BACK
                break
            turn = self._take(Turn(acted, job_id))
            acted, bell.claimed, bell.count = None, turn.claimed, bell.count + turn.rows
            if turn.claimed is not None:
                began = runtime.clock.monotonic()
                acted = self._act(turn.claimed)
                runtime.holdings.end_act(turn.claimed.lease)
                seconds = runtime.clock.monotonic() - began
                bell.acting, bell.slowest = bell.acting + seconds, max(bell.slowest, seconds)
        if acted is not None:
            self._take(Turn(acted, None))

    def _takes_long(self, bell: BellRun) -> bool:
        return bell.acting > BELL_ACT_SECONDS or self._runtime.clock.monotonic() - bell.began > BELL_SECONDS

    def _take(self, turn: Turn) -> Turn:
        """Commit a turn with those of other threads; alone when the group's transaction failed.

        Raises the error of a claim that PostgreSQL did not answer; the record before it is committed then.
        """
        error = self._group.run(turn)
        if error is None:
            return turn
        if not isinstance(error, self._runtime.catchable):
            raise error
        turn.rows, turn.claimed = 0, None
        if turn.acted is not None:
            self._record_alone(turn.acted)
            turn.acted = None
        if turn.next_id is not None:
            self._claim_alone(turn)
        return turn

    def _claim_alone(self, turn: Turn) -> None:
        """Claim one job; a handler's claim that raises is recorded as its failure."""
        for left in reversed(range(MAX_RERUNS)):
            try:
                self._transaction.apply([turn], again=True)
            except ClaimFailed as failed:
                if is_disconnect(failed.cause):
                    raise failed.cause from failed
                turn.rows = 1
                self._record_claim_failure(failed)
            except self._runtime.catchable as error:
                if left and is_serialization_failure(error):
                    continue
                raise
            return

    def _act(self, claimed: Claimed) -> Acted:
        """Run the act without a transaction. Whatever it raises ends this job, not the thread."""
        runtime, row = self._runtime, claimed.row
        handler = cast(ExternalHandler, runtime.handler(row))
        job = runtime.context(row, claimed.number)
        limit = runtime.registry.catalogue[row.task].policy.time_limit
        runtime.crash("effect.before")
        try:
            with runtime.act_limit(limit.total_seconds()):
                result = None
                if row.reason in MAY_HAVE_ACTED and isinstance(handler, Verifying):
                    result = handler.verify(job, claimed.plan)
                if result is None:
                    result = handler.act(job, claimed.plan)
        except BaseException as error:  # noqa: BLE001 -- sys.exit() in a handler must not leave its job running
            return Acted(claimed, error=error)
        runtime.crash("effect.after")
        return Acted(claimed, result=result)

    def _record_alone(self, acted: Acted) -> None:
        """Record one act; wait while PostgreSQL refuses it, record any other error as the job's failure."""
        entry, reruns = acted, MAX_RERUNS
        while (error := self._try_record(entry)) is not None:
            if is_serialization_failure(error) and reruns:
                reruns -= 1
            elif is_refused_for_now(error):
                log.warning("record.refused", job=str(acted.claimed.row.id), error=str(error).strip()[:300])
                if not self._runtime.wait_for_database():
                    raise error
            elif entry is acted:
                entry = Acted(acted.claimed, error=error)
            else:
                raise error

    def _try_record(self, acted: Acted) -> BaseException | None:
        try:
            self._transaction.apply([Turn(acted, None)], again=True)
        except self._runtime.catchable as error:
            return error
        return None

    def _record_claim_failure(self, failed: ClaimFailed) -> None:
        """Record a claim that raised as a failed attempt."""
        runtime = self._runtime
        with runtime.transaction() as (session, connection):
            for row in ledger.begin_queued(connection, [failed.row.id]):
                attempt = FailedAttempt(row, row.attempt + 1, None)
                record_failure(runtime, session, connection, attempt, failed.cause, remote_reached=False)
            with committing(connection, session):
                pass
