"""Payloads of scheduled fees: nightly charging and monthly statements."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING, ClassVar, Final, Self
from uuid import UUID

from pydantic import field_validator, model_validator

from kontor.engine.catalogue import Day, Instant, Payload, Policy, ProgrammeCode, ScheduleSpec, isolated_policy
from kontor.engine.retry import RetryPolicy
from kontor.kernel.states import MisfirePolicy, TaskKind

if TYPE_CHECKING:
    from models.programmes import ProgrammeRow

QUEUE: Final = "fees"
CHARGE: Final = "fees.charge"
STATEMENTS: Final = "fees.statements"


class FeesCharge(Payload):
    """Charge every due period of a programme, split into ranges with one job each."""

    policy: ClassVar[Policy] = isolated_policy(CHARGE, QUEUE)

    programme: ProgrammeCode


class FeesChargeRange(Payload):
    """Charge the due runs from one position (day, run) to before another; without an end: all the rest."""

    policy: ClassVar[Policy] = isolated_policy("fees.charge_range", QUEUE, timedelta(minutes=10))

    programme: ProgrammeCode
    day: Day
    run_id: UUID
    before_day: Day | None = None
    before_run_id: UUID | None = None

    @model_validator(mode="after")
    def forwards(self) -> Self:
        """Refuse half an end, and an end that is not after the start."""
        if (self.before_day is None) != (self.before_run_id is None):
            raise ValueError("before_day and before_run_id belong together")
        if self.before_day is None or self.before_run_id is None:
            return self
        if (self.before_day, self.before_run_id) <= (self.day, self.run_id):
            raise ValueError("the end must come after the start")
        return self


class FeesStatements(Payload):
    """Mail the statements of the month before the local day of `due`; the next job continues `after` an id."""

    policy: ClassVar[Policy] = isolated_policy(STATEMENTS, QUEUE, timedelta(minutes=30))

    programme: ProgrammeCode
    due: Instant
    after: UUID | None = None


class FeesStatement(Payload):
    """Mail one reseller's statement of a month, given by its first day."""

    policy: ClassVar[Policy] = Policy(
        name="fees.statement",
        queue=QUEUE,
        kind=TaskKind.TRANSACTIONAL,
        retry=RetryPolicy(max_attempts=10),
        due_by=timedelta(hours=1),
    )

    reseller_id: UUID
    month: Day

    @field_validator("month")
    @classmethod
    def first_day(cls, month: date) -> date:
        """Refuse a day that is not the first of a month."""
        if month.day != 1:
            raise ValueError("must be the first day of a month")
        return month


def schedules(programmes: Iterable[ProgrammeRow]) -> list[ScheduleSpec]:
    """Return nightly charging, and statements on the first of the month, for every programme in its zone.

    Charging catches up on everything due, so a missed run is made up once; missed statements are all made up.
    """
    times = ((CHARGE, "1 0 * * *", MisfirePolicy.ONCE), (STATEMENTS, "0 1 1 * *", MisfirePolicy.ALL))
    return [
        ScheduleSpec(
            name=f"{task}.{row.code}",
            cron=cron,
            timezone=str(row.document.get("timezone", "")),
            task=task,
            misfire=misfire,
            args={"programme": row.code},
        )
        for row in programmes
        for task, cron, misfire in times
    ]
