"""The timetable: every schedule of this deployment."""

from sqlalchemy.orm import Session

from engine.schedules import Declared
from tasks import accounts, alerts, discounts, fees, idempotency, reconciliation, rollups, upkeep


def timetable(session: Session) -> list[Declared]:
    """What runs by the clock: the engine's own upkeep, and each programme's daily work in its zone."""
    ours = [*upkeep.SCHEDULES, *idempotency.SCHEDULES, *accounts.SCHEDULES, *rollups.SCHEDULES, *alerts.SCHEDULES]
    return [*ours, *reconciliation.SCHEDULES, *discounts.schedules(session), *fees.schedules(session)]
