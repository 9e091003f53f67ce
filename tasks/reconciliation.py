"""Scheduled reconciliation, every quarter of an hour."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final

from sqlalchemy.orm import Session

from kontor.engine.catalogue import Payload, Policy, isolated_policy
from kontor.engine.handlers import Done, JobContext, Outcome
from kontor.engine.schedules import ScheduleSpec
from kontor.kernel.states import MisfirePolicy
from kontor.programme.service import Programmes
from kontor.reconciliation.service import reconcile

TASK: Final = "reconciliation.compare"


class ReconciliationCompare(Payload):
    """Find records and jobs that should exist and do not, and record them as gaps.

    `everything`: without the time limit, once a day.
    """

    policy: ClassVar[Policy] = isolated_policy(TASK, "upkeep", timedelta(minutes=15), attempts=5)

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
    ScheduleSpec(
        name=TASK,
        cron="5,20,35,50 * * * *",
        timezone="UTC",
        task=TASK,
        misfire=MisfirePolicy.ONCE,
    ),
    ScheduleSpec(
        name="reconciliation.everything",
        cron="45 3 * * *",
        timezone="UTC",
        task=TASK,
        misfire=MisfirePolicy.ONCE,
        args={"everything": True},
    ),
)
