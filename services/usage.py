"""What accounts use: reports kept, the present period read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import FieldError, Invalid
from domain.periods import ONE_DAY, Period
from domain.programme import Programme
from domain.usage import ReportKind
from domain.zones import day_start, local_day
from models.accounts import Account
from services.programmes import Programmes
from services.usage_periods import current_periods
from store import usage as rows
from store.usage import Asked, NewReport, Reading

AHEAD: Final = timedelta(hours=1)
MOST: Final = 10**12
ID_LIMIT: Final = 255


@dataclass(frozen=True, slots=True)
class UsageReport:
    """What was told; a level may not be negative, a delta may. `at` is aware."""

    metric: str
    kind: ReportKind
    amount: int
    at: datetime
    report_id: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """An account's present period and what was used in it, by metric."""

    period: Period
    readings: Mapping[str, Reading]


def check(told: UsageReport, programme: Programme, now: datetime) -> None:
    """Raise Invalid naming every wrong field of a report."""
    errors = []
    if told.metric not in programme.metrics:
        known = ", ".join(programme.metrics) or "none"
        errors.append(FieldError("metric", f"The programme counts no {told.metric!r}; it counts: {known}."))
    if abs(told.amount) > MOST:
        errors.append(FieldError(told.kind.value, f"is {MOST} at most"))
    if told.kind is ReportKind.VALUE and told.amount < 0:
        errors.append(FieldError("value", "a level is 0 or more"))
    if told.at > now + AHEAD:
        errors.append(FieldError("at", f"is more than an hour after now, {now.isoformat()}"))
    if told.report_id is not None and not 1 <= len(told.report_id) <= ID_LIMIT:
        errors.append(FieldError("report_id", f"has 1 to {ID_LIMIT} characters"))
    if errors:
        raise Invalid("invalid", "The report is not valid.", errors=errors)


def keep(session: Session, programme: Programme, account: Account, told: UsageReport, now: datetime) -> bool:
    """Keep a checked report on a locked account; False when its `report_id` was seen before."""
    day = local_day(told.at, programme.zone)
    new = NewReport(
        account_id=account.id,
        metric=told.metric,
        kind=told.kind.value,
        amount=told.amount,
        at=told.at,
        day=day,
        day_end=day_start(day + ONE_DAY, programme.zone),
        report_id=told.report_id,
        received_at=now,
    )
    return rows.add(session, new)


def present(session: Session, programme: Programme, account: Account, now: datetime) -> Usage:
    """What one account uses in its present period."""
    return presents(session, programme, [account], now)[account.id]


def presents(session: Session, programme: Programme, accounts: Sequence[Account], now: datetime) -> dict[UUID, Usage]:
    """The same for many accounts of one programme, in one query."""
    periods = current_periods(session, programme, accounts, now)
    asked = [
        Asked(account_id, metric, period.start, period.end)
        for account_id, period in periods.items()
        for metric in programme.metrics
    ]
    found = rows.read(session, asked)
    return {
        account_id: Usage(period, {metric: found[account_id, metric] for metric in programme.metrics})
        for account_id, period in periods.items()
    }


def values(
    session: Session, programmes: Programmes, accounts: Sequence[Account], now: datetime
) -> dict[UUID, dict[str, int]]:
    """What every account uses of every metric in its present period, whatever its programme."""
    found: dict[UUID, dict[str, int]] = {}
    for code in {account.programme for account in accounts}:
        mine = [account for account in accounts if account.programme == code]
        for account_id, used in presents(session, programmes.current(session, code), mine, now).items():
            found[account_id] = {metric: one.value for metric, one in used.readings.items()}
    return found
