"""Payload of operator alerts."""

from __future__ import annotations

from typing import ClassVar, Final

from kontor.engine.catalogue import Payload, Policy, ScheduleSpec, isolated_policy
from kontor.kernel.states import MisfirePolicy

TASK: Final = "alerts.digest"


class AlertsDigest(Payload):
    """Check for dead, late, held and missing work; mail new incidents or the all-clear to operators."""

    policy: ClassVar[Policy] = isolated_policy(TASK, "upkeep", attempts=5)


SCHEDULES: Final = (
    ScheduleSpec(name=TASK, cron="10,25,40,55 * * * *", timezone="UTC", task=TASK, misfire=MisfirePolicy.ONCE),
)
"""Every quarter of an hour, after reconciliation."""
