"""Usage of accounts: stores reports and reads the current period."""

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
    """A usage report: a level, which is not negative, or a delta. `at` is aware."""

    metric: str
    kind: ReportKind
    amount: int
    at: datetime
    report_id: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """An account's current period and its usage by metric."""

    period: Period
    readings: Mapping[str, Reading]


def check(report: UsageReport, programme: Programme, now: datetime) -> None:
    """Validate a report. Raises Invalid with every invalid field."""
    errors = []
    if report.metric not in programme.metrics:
        metrics = ", ".join(programme.metrics) or "none"
        errors.append(FieldError("metric", f"The programme has no metric {report.metric!r}; its metrics: {metrics}."))
    if abs(report.amount) > MOST:
        errors.append(FieldError(report.kind.value, f"must be at most {MOST}"))
    if report.kind is ReportKind.VALUE and report.amount < 0:
        errors.append(FieldError("value", "must not be negative"))
    if report.at > now + AHEAD:
        errors.append(FieldError("at", f"must be at most an hour after now, {now.isoformat()}"))
    if report.report_id is not None and not 1 <= len(report.report_id) <= ID_LIMIT:
        errors.append(FieldError("report_id", f"must have 1 to {ID_LIMIT} characters"))
    if errors:
        raise Invalid("invalid", "The report is not valid.", errors=errors)


def keep(session: Session, programme: Programme, account: Account, report: UsageReport, now: datetime) -> bool:
    """Store a validated report on a locked account; False if its `report_id` was already stored."""
    day = local_day(report.at, programme.zone)
    new = NewReport(
        account_id=account.id,
        metric=report.metric,
        kind=report.kind.value,
        amount=report.amount,
        at=report.at,
        day=day,
        day_end=day_start(day + ONE_DAY, programme.zone),
        report_id=report.report_id,
        received_at=now,
    )
    return rows.add(session, new)


def present(session: Session, programme: Programme, account: Account, now: datetime) -> Usage:
    """Return an account's usage in its current period."""
    return presents(session, programme, [account], now)[account.id]


def presents(session: Session, programme: Programme, accounts: Sequence[Account], now: datetime) -> dict[UUID, Usage]:
    """Return the usage of many accounts of one programme in their current periods, in one query."""
    periods = current_periods(session, programme, accounts, now)
    queries = [
        Asked(account_id, metric, period.start, period.end)
        for account_id, period in periods.items()
        for metric in programme.metrics
    ]
    readings = rows.read(session, queries)
    return {
        account_id: Usage(period, {metric: readings[account_id, metric] for metric in programme.metrics})
        for account_id, period in periods.items()
    }


def values(
    session: Session, programmes: Programmes, accounts: Sequence[Account], now: datetime
) -> dict[UUID, dict[str, int]]:
    """Return the usage by metric of accounts of any programme, in their current periods."""
    values_by_account: dict[UUID, dict[str, int]] = {}
    for code in {account.programme for account in accounts}:
        members = [account for account in accounts if account.programme == code]
        for account_id, used in presents(session, programmes.current(session, code), members, now).items():
            values_by_account[account_id] = {metric: reading.value for metric, reading in used.readings.items()}
    return values_by_account
