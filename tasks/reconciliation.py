"""Scheduled reconciliation, every quarter of an hour."""

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
    """Find records and jobs that should exist and do not, and record them as gaps.

    `everything`: without the time limit, once a day.
    """

    policy: ClassVar[Policy] = own_commit(TASK, "upkeep", timedelta(minutes=15), attempts=5)

    everything: bool = False


class ReconciliationCompareHandler:
    """Runs one reconciliation."""

    payload: ClassVar[type[ReconciliationCompare]] = ReconciliationCompare

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: ReconciliationCompare) -> Outcome:
        """Run the checks and record the gaps."""
        result = reconcile(session, self._programmes, job.now, everything=payload.everything)
        return Done(result.document())


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
