"""Payload of the check of balances."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final
from uuid import UUID

from pydantic import Field

from kontor.engine.catalogue import Payload, Policy, isolated_policy

QUEUE: Final = "fees"
MOST: Final = 2_000
"""Number of resellers checked by one job."""


class BalancesCheck(Payload):
    """Mail resellers of a programme whose balance fell under the threshold; `falling`: it may have."""

    policy: ClassVar[Policy] = isolated_policy("balances.check", QUEUE, timedelta(minutes=5))

    reseller_ids: tuple[UUID, ...] = Field(min_length=1, max_length=MOST)
    falling: bool = True
