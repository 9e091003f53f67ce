"""Recomputation of a reseller's discount after a payment, and the daily runs."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.misfire import MisfirePolicy
from engine.catalogue import Payload, Policy, own_commit
from engine.handlers import Handler, JobContext
from engine.outcomes import Done, Outcome
from engine.schedules import Declared
from services.discounts import recomputing, running
from services.discounts.book import DiscountBook
from services.programmes import Programmes
from store import programmes as rows
from tasks.discount_runs import (
    QUEUE,
    DiscountsApply,
    DiscountsApplyHandler,
    DiscountsCompute,
    DiscountsComputeHandler,
    DiscountsRun,
    DiscountsRunHandler,
    DiscountsTell,
    DiscountsTellHandler,
)


class DiscountsRecompute(Payload):
    """Record a reseller's discount of today."""

    policy: ClassVar[Policy] = own_commit(recomputing.TASK, QUEUE, timedelta(minutes=1))

    reseller_id: UUID


class DiscountsRecomputeHandler:
    """Skips accounts that are no longer resellers."""

    payload: ClassVar[type[DiscountsRecompute]] = DiscountsRecompute

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: DiscountsRecompute) -> Outcome:
        """Compute, record and notify."""
        ctx = DiscountBook(job.jobs, self._programmes)
        change = recomputing.recompute(ctx, session, payload.reseller_id)
        return Done({"moved": bool(change and change.moved)})


PAYLOADS: Final[tuple[type[Payload], ...]] = (
    DiscountsRecompute,
    DiscountsRun,
    DiscountsCompute,
    DiscountsApply,
    DiscountsTell,
)


def handlers(programmes: Programmes) -> list[Handler]:
    """Return the discount handlers."""
    return [
        DiscountsRecomputeHandler(programmes),
        DiscountsRunHandler(programmes),
        DiscountsComputeHandler(programmes),
        DiscountsApplyHandler(programmes),
        DiscountsTellHandler(programmes),
    ]


def schedules(session: Session) -> list[Declared]:
    """Return a daily run at 00:05 local time for every programme with a turnover discount."""
    return [
        Declared(
            name=f"discounts.daily.{row.code}",
            cron="5 0 * * *",
            timezone=row.document["timezone"],
            task=running.RUN,
            misfire=MisfirePolicy.ONCE,
            args={"programme": row.code},
        )
        for row in rows.listed(session)
        if row.document.get("discount", {}).get("kind") == "turnover"
    ]
