"""Tasks of discounts: recompute one reseller, or run over all in ranges."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.discounts import daily_run
from kontor.discounts.payloads import (
    DiscountsApply,
    DiscountsCompute,
    DiscountsNotify,
    DiscountsRecompute,
    DiscountsRun,
)
from kontor.engine.handlers import Cancel, Done, Handler, JobContext, Outcome
from kontor.programme.service import Programmes
from tasks.deps import HandlerDeps


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


def handlers(deps: HandlerDeps) -> list[Handler]:
    """Return the handlers of discounts."""
    return [
        DiscountsRecomputeHandler(deps.programmes),
        DiscountsRunHandler(deps.programmes),
        DiscountsComputeHandler(deps.programmes),
        DiscountsApplyHandler(deps.programmes),
        DiscountsNotifyHandler(deps.programmes),
    ]
