"""Discounts of all resellers of a programme: a run, each step of each range a job of its own."""

from __future__ import annotations

from typing import ClassVar, Final
from uuid import UUID

from pydantic import Field
from sqlalchemy.orm import Session

from engine.catalogue import Payload, Policy, own_commit
from engine.handlers import JobContext
from engine.outcomes import Cancel, Done, Outcome
from services.discounts import running
from services.discounts.book import DiscountBook
from services.programmes import Programmes

QUEUE: Final = "discounts"


class DiscountsRun(Payload):
    """Begin a run over all resellers of a programme, for the local day it is then; so many to a range."""

    policy: ClassVar[Policy] = own_commit(running.RUN, QUEUE)

    programme: str
    range_size: int = Field(running.RANGE_SIZE, ge=1)


class DiscountsCompute(Payload):
    """See who would move in one range of a run; the last of them decides."""

    policy: ClassVar[Policy] = own_commit(running.COMPUTE, QUEUE)

    run_id: UUID
    number: int


class DiscountsApply(Payload):
    """Record what was found in one range of a run."""

    policy: ClassVar[Policy] = own_commit(running.APPLY, QUEUE)

    run_id: UUID
    number: int


class DiscountsTell(Payload):
    """Tell who moved or falls tomorrow in one range of a run, a chunk at a time."""

    policy: ClassVar[Policy] = own_commit(running.TELL, QUEUE)

    run_id: UUID
    number: int


class _OfRuns:
    """What the handlers of runs work with."""

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def _book(self, job: JobContext) -> DiscountBook:
        return DiscountBook(job.jobs, self._programmes)


class DiscountsRunHandler(_OfRuns):
    """Divides the resellers into ranges, a job each."""

    payload: ClassVar[type[DiscountsRun]] = DiscountsRun

    def run(self, job: JobContext, session: Session, payload: DiscountsRun) -> Outcome:
        """Begin; a run that still computes or is held gives way to this one."""
        run = running.begin(self._book(job), session, payload.programme, payload.range_size)
        if run is None:
            return Cancel("the programme has no turnover discount")
        return Done({"run_id": str(run.id), "ranges": run.ranges})


class DiscountsComputeHandler(_OfRuns):
    """Writes who would move, nothing else."""

    payload: ClassVar[type[DiscountsCompute]] = DiscountsCompute

    def run(self, job: JobContext, session: Session, payload: DiscountsCompute) -> Outcome:
        """Compute a range."""
        refused = running.compute(self._book(job), session, payload.run_id, payload.number)
        return Cancel(refused) if refused else Done()


class DiscountsApplyHandler(_OfRuns):
    """Writes nothing over what was recorded meanwhile."""

    payload: ClassVar[type[DiscountsApply]] = DiscountsApply

    def run(self, job: JobContext, session: Session, payload: DiscountsApply) -> Outcome:
        """Apply a range."""
        refused = running.apply(self._book(job), session, payload.run_id, payload.number)
        return Cancel(refused) if refused else Done()


class DiscountsTellHandler(_OfRuns):
    """Events and mails; a further job goes on."""

    payload: ClassVar[type[DiscountsTell]] = DiscountsTell

    def run(self, job: JobContext, session: Session, payload: DiscountsTell) -> Outcome:
        """Tell a chunk."""
        return Done({"told": running.tell(self._book(job), session, payload.run_id, payload.number)})
