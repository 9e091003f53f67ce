"""Payload of the notices about API keys that expire."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final

from kontor.engine.catalogue import Payload, Policy, ScheduleSpec, isolated_policy
from kontor.kernel.states import MisfirePolicy

EXPIRING: Final = "keys.expiring"


class KeysExpiring(Payload):
    """Mail the owners of API keys that expire in 30, 7 or 1 days of real time."""

    policy: ClassVar[Policy] = isolated_policy(EXPIRING, "upkeep", timedelta(hours=1), attempts=5)


SCHEDULES: Final = (
    ScheduleSpec(name=EXPIRING, cron="50 * * * *", timezone="UTC", task=EXPIRING, misfire=MisfirePolicy.ONCE),
)
