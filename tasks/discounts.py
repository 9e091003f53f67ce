"""Tasks of discounts: recompute one reseller, or run over all in ranges."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final
from uuid import UUID

from pydantic import Field
from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.discounts import daily_run
from kontor.engine.catalogue import Payload, Policy, isolated_policy
from kontor.engine.handlers import Cancel, Done, Handler, JobContext, Outcome
from kontor.engine.schedules import ScheduleSpec
from kontor.kernel.states import MisfirePolicy
from kontor.programme import service as programme
from kontor.programme.service import Programmes

QUEUE: Final = "discounts"


class DiscountsRun(Payload):
    """Start a run over all resellers of a programme for the current local day, with `range_size` per range."""

    policy: ClassVar[Policy] = isolated_policy(daily_run.RUN, QUEUE)

    programme: str
    range_size: int = Field(daily_run.RANGE_SIZE, ge=1)


class DiscountsCompute(Payload):
    """Compute one range of a run; the last range decides."""

    policy: ClassVar[Policy] = isolated_policy(daily_run.COMPUTE, QUEUE)

    run_id: UUID
    number: int


class DiscountsApply(Payload):
    """Record the findings of one range of a run."""

    policy: ClassVar[Policy] = isolated_policy(daily_run.APPLY, QUEUE)

    run_id: UUID
    number: int


class DiscountsNotify(Payload):
    """Notify the resellers of one range whose tier changed or drops tomorrow, one chunk at a time."""

    policy: ClassVar[Policy] = isolated_policy(daily_run.NOTIFY, QUEUE)

    run_id: UUID
    number: int


class _RunHandler:
    """Base of the handlers of runs."""

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def _ctx(self, job: JobContext) -> Context:
        return Context(job.jobs, self._programmes)


class DiscountsRunHandler(_RunHandler):
    """Splits the resellers into ranges with one job each."""

    payload: ClassVar[type[DiscountsRun]] = DiscountsRun

    def run(self, job: JobContext, session: Session, payload: DiscountsRun) -> Outcome:
        """Start a run; it supersedes a run that is computing or held."""
        run = daily_run.start(self._ctx(job), session, payload.programme, payload.range_size)
        if run is None:
            return Cancel("the programme has no turnover discount")
        return Done({"run_id": str(run.id), "ranges": run.ranges})


class DiscountsComputeHandler(_RunHandler):
    """Stores findings, nothing else."""

    payload: ClassVar[type[DiscountsCompute]] = DiscountsCompute

    def run(self, job: JobContext, session: Session, payload: DiscountsCompute) -> Outcome:
        """Compute a range."""
        reason = daily_run.compute(self._ctx(job), session, payload.run_id, payload.number)
        return Cancel(reason) if reason else Done()


class DiscountsApplyHandler(_RunHandler):
    """Records findings, except where a newer record exists."""

    payload: ClassVar[type[DiscountsApply]] = DiscountsApply

    def run(self, job: JobContext, session: Session, payload: DiscountsApply) -> Outcome:
        """Apply a range."""
        reason = daily_run.apply(self._ctx(job), session, payload.run_id, payload.number)
        return Cancel(reason) if reason else Done()


class DiscountsNotifyHandler(_RunHandler):
    """Emits events and mails; the next job continues."""

    payload: ClassVar[type[DiscountsNotify]] = DiscountsNotify

    def run(self, job: JobContext, session: Session, payload: DiscountsNotify) -> Outcome:
        """Notify one chunk."""
        return Done({"told": daily_run.notify(self._ctx(job), session, payload.run_id, payload.number)})


class DiscountsRecompute(Payload):
    """Record a reseller's discount of today."""

    policy: ClassVar[Policy] = isolated_policy(daily_run.TASK, QUEUE, timedelta(minutes=1))

    reseller_id: UUID


class DiscountsRecomputeHandler:
    """Skips accounts that are no longer resellers."""

    payload: ClassVar[type[DiscountsRecompute]] = DiscountsRecompute

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: DiscountsRecompute) -> Outcome:
        """Compute, record and notify."""
        ctx = Context(job.jobs, self._programmes)
        change = daily_run.recompute(ctx, session, payload.reseller_id)
        return Done({"moved": bool(change and change.moved)})


PAYLOADS: Final[tuple[type[Payload], ...]] = (
    DiscountsRecompute,
    DiscountsRun,
    DiscountsCompute,
    DiscountsApply,
    DiscountsNotify,
)


def handlers(programmes: Programmes) -> list[Handler]:
    """Return the discount handlers."""
    return [
        DiscountsRecomputeHandler(programmes),
        DiscountsRunHandler(programmes),
        DiscountsComputeHandler(programmes),
        DiscountsApplyHandler(programmes),
        DiscountsNotifyHandler(programmes),
    ]


def schedules(session: Session) -> list[ScheduleSpec]:
    """Return a daily run at 00:05 local time for every programme with a turnover discount."""
    return [
        ScheduleSpec(
            name=f"discounts.daily.{row.code}",
            cron="5 0 * * *",
            timezone=row.document["timezone"],
            task=daily_run.RUN,
            misfire=MisfirePolicy.ONCE,
            args={"programme": row.code},
        )
        for row in programme.programme_rows(session)
        if row.document.get("discount", {}).get("kind") == "turnover"
    ]
