"""The timetable: every schedule of this deployment."""

from sqlalchemy.orm import Session

from engine.schedules import Declared
from tasks import accounts, discounts, idempotency, upkeep


def timetable(session: Session) -> list[Declared]:
    """What runs by the clock: the engine's own upkeep, and each programme's daily work in its zone."""
    return [*upkeep.SCHEDULES, *idempotency.SCHEDULES, *accounts.SCHEDULES, *discounts.schedules(session)]
