"""Payloads of scheduled fees: nightly charging and monthly statements."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING, ClassVar, Final
from uuid import UUID

from pydantic import AwareDatetime

from kontor.engine.catalogue import Payload, Policy, ScheduleSpec, isolated_policy
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

    programme: str


class FeesChargeRange(Payload):
    """Charge the due runs from one position (day, run) to before another; without an end: all the rest."""

    policy: ClassVar[Policy] = isolated_policy("fees.charge_range", QUEUE, timedelta(minutes=10))

    programme: str
    day: date
    run_id: UUID
    before_day: date | None = None
    before_run_id: UUID | None = None


class FeesStatements(Payload):
    """Mail the statements of the month before the local day of `due`; the next job continues `after` an id."""

    policy: ClassVar[Policy] = isolated_policy(STATEMENTS, QUEUE, timedelta(minutes=30))

    programme: str
    due: AwareDatetime
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
    month: date


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
