"""All schedules of this deployment."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.accounts import payloads as accounts
from kontor.alerts import payloads as alerts
from kontor.discounts import payloads as discounts
from kontor.engine import payloads as engine
from kontor.engine.catalogue import ScheduleSpec
from kontor.fees import payloads as fees
from kontor.mails import payloads as mails
from kontor.operators import payloads as operators
from kontor.reconciliation import payloads as reconciliation
from models.programmes import ProgrammeRow


def all_schedules(session: Session) -> list[ScheduleSpec]:
    """Return the system's own schedules and each programme's schedules in its zone."""
    programmes = session.scalars(select(ProgrammeRow).order_by(ProgrammeRow.code)).all()
    return [
        *engine.SCHEDULES,
        *accounts.SCHEDULES,
        *alerts.SCHEDULES,
        *mails.SCHEDULES,
        *reconciliation.SCHEDULES,
        *operators.SCHEDULES,
        *discounts.schedules(programmes),
        *fees.schedules(programmes),
    ]
