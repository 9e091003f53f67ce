"""Payloads of discounts: recompute one reseller, or run over all in ranges."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Final
from uuid import UUID

from pydantic import Field

from kontor.engine.catalogue import Count, Payload, Policy, ProgrammeCode, ScheduleSpec, isolated_policy
from kontor.kernel.states import MisfirePolicy

if TYPE_CHECKING:
    from models.programmes import ProgrammeRow

QUEUE: Final = "discounts"
RUN: Final = "discounts.run"
RANGE_SIZE: Final = 20_000


class DiscountsRun(Payload):
    """Start a run over all resellers of a programme for the current local day, with `range_size` per range."""

    policy: ClassVar[Policy] = isolated_policy(RUN, QUEUE)

    programme: ProgrammeCode
    range_size: int = Field(RANGE_SIZE, ge=1, le=1_000_000)


class DiscountsCompute(Payload):
    """Compute one range of a run; the last range decides."""

    policy: ClassVar[Policy] = isolated_policy("discounts.compute", QUEUE)

    run_id: UUID
    number: Count


class DiscountsApply(Payload):
    """Record the findings of one range of a run."""

    policy: ClassVar[Policy] = isolated_policy("discounts.apply", QUEUE)

    run_id: UUID
    number: Count


class DiscountsNotify(Payload):
    """Notify the resellers of one range whose tier changed or drops tomorrow, one chunk at a time."""

    policy: ClassVar[Policy] = isolated_policy("discounts.tell", QUEUE)

    run_id: UUID
    number: Count


class DiscountsRecompute(Payload):
    """Record a reseller's discount of today."""

    policy: ClassVar[Policy] = isolated_policy("discounts.recompute", QUEUE, timedelta(minutes=1))

    reseller_id: UUID


def schedules(programmes: Iterable[ProgrammeRow]) -> list[ScheduleSpec]:
    """Return a daily run at 00:05 local time for every programme with a turnover discount."""
    return [
        ScheduleSpec(
            name=f"discounts.daily.{row.code}",
            cron="5 0 * * *",
            timezone=str(row.document.get("timezone", "")),
            task=RUN,
            misfire=MisfirePolicy.ONCE,
            args={"programme": row.code},
        )
        for row in programmes
        if row.document.get("discount", {}).get("kind") == "turnover"
    ]
