"""Discounts: one reseller's at once after a payment, and when everybody's are computed."""

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
    """A reseller that is none any more is left alone."""

    payload: ClassVar[type[DiscountsRecompute]] = DiscountsRecompute

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: DiscountsRecompute) -> Outcome:
        """Compute, record, tell."""
        book = DiscountBook(job.jobs, self._programmes)
        found = recomputing.recompute(book, session, payload.reseller_id)
        return Done({"moved": bool(found and found.moved)})


PAYLOADS: Final[tuple[type[Payload], ...]] = (
    DiscountsRecompute,
    DiscountsRun,
    DiscountsCompute,
    DiscountsApply,
    DiscountsTell,
)


def handlers(programmes: Programmes) -> list[Handler]:
    """The handlers of this family."""
    return [
        DiscountsRecomputeHandler(programmes),
        DiscountsRunHandler(programmes),
        DiscountsComputeHandler(programmes),
        DiscountsApplyHandler(programmes),
        DiscountsTellHandler(programmes),
    ]


def schedules(session: Session) -> list[Declared]:
    """A run a day for every programme that discounts by turnover, at five past midnight in its zone."""
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
