"""Reconciliation by the clock: every quarter of an hour everything is compared."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final

from sqlalchemy.orm import Session

from domain.misfire import MisfirePolicy
from engine.catalogue import Payload, Policy, own_commit
from engine.handlers import JobContext
from engine.outcomes import Done, Outcome
from engine.schedules import Declared
from services.programmes import Programmes
from services.reconciliation.reconciling import reconcile

TASK: Final = "reconciliation.compare"


class ReconciliationCompare(Payload):
    """Compare what should exist with what does; what is missing is written down.

    Once a day everything is compared, however long ago it was.
    """

    policy: ClassVar[Policy] = own_commit(TASK, "upkeep", timedelta(minutes=15), attempts=5)

    everything: bool = False


class ReconciliationCompareHandler:
    """One look at everything."""

    payload: ClassVar[type[ReconciliationCompare]] = ReconciliationCompare

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: ReconciliationCompare) -> Outcome:
        """Compare, write down."""
        look = reconcile(session, self._programmes, job.now, everything=payload.everything)
        return Done(look.document())


SCHEDULES: Final = (
    Declared(
        name=TASK,
        cron="5,20,35,50 * * * *",
        timezone="UTC",
        task=TASK,
        misfire=MisfirePolicy.ONCE,
    ),
    Declared(
        name="reconciliation.everything",
        cron="45 3 * * *",
        timezone="UTC",
        task=TASK,
        misfire=MisfirePolicy.ONCE,
        args={"everything": True},
    ),
)
