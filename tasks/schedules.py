"""All schedules of this deployment."""

from sqlalchemy.orm import Session

from kontor.engine.schedules import ScheduleSpec
from tasks import accounts, alerts, discounts, fees, maintenance, reconciliation


def all_schedules(session: Session) -> list[ScheduleSpec]:
    """Return the system's own schedules and each programme's schedules in its zone."""
    system = [
        *maintenance.UPKEEP_SCHEDULES,
        *maintenance.IDEMPOTENCY_SCHEDULES,
        *accounts.SCHEDULES,
        *maintenance.ROLLUP_SCHEDULES,
        *alerts.SCHEDULES,
    ]
    return [*system, *reconciliation.SCHEDULES, *discounts.schedules(session), *fees.schedules(session)]
