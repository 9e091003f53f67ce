"""The period in which an account's usage is counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from domain.periods import Period, calendar_month, paid_period, paid_period_index
from domain.programme import Programme
from domain.programme.model import QuotaPeriod
from domain.zones import local_day
from models.accounts import Account
from store import usage_periods as rows


def current_period(session: Session, programme: Programme, account: Account, now: datetime) -> Period:
    """Return the period that contains `now`, in local days of the programme."""
    return current_periods(session, programme, [account], now)[account.id]


def current_periods(
    session: Session, programme: Programme, accounts: Sequence[Account], now: datetime
) -> dict[UUID, Period]:
    """Return the current period of many accounts of one programme: calendar month or paid period.

    Accounts without a paid plan always count by calendar month (programme.md 4.5).
    """
    month = calendar_month(now, programme.zone)
    ids = [account.id for account in accounts]
    if programme.quota.period is QuotaPeriod.CALENDAR_MONTH:
        return dict.fromkeys(ids, month)
    today = local_day(now, programme.zone)
    anchors = rows.anchors(session, ids, today)
    paid = {account_id: paid_period(day, paid_period_index(day, today)) for account_id, day in anchors.items()}
    return dict.fromkeys(ids, month) | paid
