"""All schedules of this deployment."""

from sqlalchemy.orm import Session

from engine.schedules import Declared
from tasks import accounts, alerts, discounts, fees, idempotency, reconciliation, rollups, upkeep


def timetable(session: Session) -> list[Declared]:
    """Return the system's own schedules and each programme's schedules in its zone."""
    system = [*upkeep.SCHEDULES, *idempotency.SCHEDULES, *accounts.SCHEDULES, *rollups.SCHEDULES, *alerts.SCHEDULES]
    return [*system, *reconciliation.SCHEDULES, *discounts.schedules(session), *fees.schedules(session)]
