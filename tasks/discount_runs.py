"""Discount runs over all resellers of a programme: one job per step and range."""

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
    """Start a run over all resellers of a programme for the current local day, with `range_size` per range."""

    policy: ClassVar[Policy] = own_commit(running.RUN, QUEUE)

    programme: str
    range_size: int = Field(running.RANGE_SIZE, ge=1)


class DiscountsCompute(Payload):
    """Compute one range of a run; the last range decides."""

    policy: ClassVar[Policy] = own_commit(running.COMPUTE, QUEUE)

    run_id: UUID
    number: int


class DiscountsApply(Payload):
    """Record the findings of one range of a run."""

    policy: ClassVar[Policy] = own_commit(running.APPLY, QUEUE)

    run_id: UUID
    number: int


class DiscountsTell(Payload):
    """Notify the resellers of one range whose tier changed or drops tomorrow, one chunk at a time."""

    policy: ClassVar[Policy] = own_commit(running.TELL, QUEUE)

    run_id: UUID
    number: int


class _RunHandler:
    """Base of the handlers of runs."""

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def _ctx(self, job: JobContext) -> DiscountBook:
        return DiscountBook(job.jobs, self._programmes)


class DiscountsRunHandler(_RunHandler):
    """Splits the resellers into ranges with one job each."""

    payload: ClassVar[type[DiscountsRun]] = DiscountsRun

    def run(self, job: JobContext, session: Session, payload: DiscountsRun) -> Outcome:
        """Start a run; it supersedes a run that is computing or held."""
        run = running.begin(self._ctx(job), session, payload.programme, payload.range_size)
        if run is None:
            return Cancel("the programme has no turnover discount")
        return Done({"run_id": str(run.id), "ranges": run.ranges})


class DiscountsComputeHandler(_RunHandler):
    """Stores findings, nothing else."""

    payload: ClassVar[type[DiscountsCompute]] = DiscountsCompute

    def run(self, job: JobContext, session: Session, payload: DiscountsCompute) -> Outcome:
        """Compute a range."""
        reason = running.compute(self._ctx(job), session, payload.run_id, payload.number)
        return Cancel(reason) if reason else Done()


class DiscountsApplyHandler(_RunHandler):
    """Records findings, except where a newer record exists."""

    payload: ClassVar[type[DiscountsApply]] = DiscountsApply

    def run(self, job: JobContext, session: Session, payload: DiscountsApply) -> Outcome:
        """Apply a range."""
        reason = running.apply(self._ctx(job), session, payload.run_id, payload.number)
        return Cancel(reason) if reason else Done()


class DiscountsTellHandler(_RunHandler):
    """Emits events and mails; the next job continues."""

    payload: ClassVar[type[DiscountsTell]] = DiscountsTell

    def run(self, job: JobContext, session: Session, payload: DiscountsTell) -> Outcome:
        """Notify one chunk."""
        return Done({"told": running.tell(self._ctx(job), session, payload.run_id, payload.number)})
