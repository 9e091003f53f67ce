"""Payload of scheduled reconciliation."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final

from kontor.engine.catalogue import Payload, Policy, ScheduleSpec, isolated_policy
from kontor.kernel.states import MisfirePolicy

TASK: Final = "reconciliation.compare"


class ReconciliationCompare(Payload):
    """Find records and jobs that should exist and do not, and record them as gaps.

    `everything`: without the time limit, once a day.
    """

    policy: ClassVar[Policy] = isolated_policy(TASK, "upkeep", timedelta(minutes=15), attempts=5)

    everything: bool = False


SCHEDULES: Final = (
    ScheduleSpec(name=TASK, cron="5,20,35,50 * * * *", timezone="UTC", task=TASK, misfire=MisfirePolicy.ONCE),
    ScheduleSpec(
        name="reconciliation.everything",
        cron="45 3 * * *",
        timezone="UTC",
        task=TASK,
        misfire=MisfirePolicy.ONCE,
        args={"everything": True},
    ),
)
