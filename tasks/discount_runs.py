"""Discounts of all resellers of a programme: a run, each step of each range a job of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final
from uuid import UUID

from pydantic import Field
from sqlalchemy.orm import Session

from domain.jobs import TaskKind
from domain.retry import RetryPolicy
from engine.catalogue import Payload, Policy
from engine.handlers import JobContext
from engine.outcomes import Cancel, Done, Outcome
from services.discounts import running
from services.discounts.book import DiscountBook
from services.programmes import Programmes

QUEUE: Final = "discounts"
RETRY: Final = RetryPolicy(max_attempts=10)


class DiscountsRun(Payload):
    """Begin a run over all resellers of a programme, for the local day it is then; so many to a range."""

    policy: ClassVar[Policy] = Policy(
        name=running.RUN,
        queue=QUEUE,
        kind=TaskKind.TRANSACTIONAL,
        retry=RETRY,
        due_by=timedelta(minutes=5),
        share_commit=False,
    )

    programme: str
    range_size: int = Field(running.RANGE_SIZE, ge=1)


class DiscountsCompute(Payload):
    """See who would move in one range of a run; the last of them decides."""

    policy: ClassVar[Policy] = Policy(
        name=running.COMPUTE,
        queue=QUEUE,
        kind=TaskKind.TRANSACTIONAL,
        retry=RETRY,
        share_commit=False,
    )

    run_id: UUID
    number: int


class DiscountsApply(Payload):
    """Record what was found in one range of a run."""

    policy: ClassVar[Policy] = Policy(
        name=running.APPLY,
        queue=QUEUE,
        kind=TaskKind.TRANSACTIONAL,
        retry=RETRY,
        share_commit=False,
    )

    run_id: UUID
    number: int


class DiscountsTell(Payload):
    """Tell who moved or falls tomorrow in one range of a run, a chunk at a time."""

    policy: ClassVar[Policy] = Policy(
        name=running.TELL,
        queue=QUEUE,
        kind=TaskKind.TRANSACTIONAL,
        retry=RETRY,
        share_commit=False,
    )

    run_id: UUID
    number: int


class DiscountsRunHandler:
    """Divides the resellers into ranges, a job each."""

    payload: ClassVar[type[DiscountsRun]] = DiscountsRun

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: DiscountsRun) -> Outcome:
        """Begin; a run that still computes or is held gives way to this one."""
        run = running.begin(DiscountBook(job.jobs, self._programmes), session, payload.programme, payload.range_size)
        if run is None:
            return Cancel("the programme has no turnover discount")
        return Done({"run_id": str(run.id), "ranges": run.ranges})


class DiscountsComputeHandler:
    """Writes who would move, nothing else."""

    payload: ClassVar[type[DiscountsCompute]] = DiscountsCompute

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: DiscountsCompute) -> Outcome:
        """Compute a range."""
        book = DiscountBook(job.jobs, self._programmes)
        refused = running.compute(book, session, payload.run_id, payload.number)
        return Cancel(refused) if refused else Done()


class DiscountsApplyHandler:
    """Writes nothing over what was recorded meanwhile."""

    payload: ClassVar[type[DiscountsApply]] = DiscountsApply

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: DiscountsApply) -> Outcome:
        """Apply a range."""
        book = DiscountBook(job.jobs, self._programmes)
        refused = running.apply(book, session, payload.run_id, payload.number)
        return Cancel(refused) if refused else Done()


class DiscountsTellHandler:
    """Events and mails; a further job goes on."""

    payload: ClassVar[type[DiscountsTell]] = DiscountsTell

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: DiscountsTell) -> Outcome:
        """Tell a chunk."""
        book = DiscountBook(job.jobs, self._programmes)
        return Done({"told": running.tell(book, session, payload.run_id, payload.number)})
