"""Usage of an account: reports recorded, the current period read, limits in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.kernel.errors import FieldError, Invalid
from kontor.kernel.periods import ONE_DAY, Period, calendar_month, paid_period, paid_period_index
from kontor.kernel.states import ReportKind, TrialState
from kontor.kernel.zones import day_start, local_day
from kontor.programme.model import Programme, QuotaPeriod
from kontor.programme.service import Programmes
from kontor.usage import queries as usage_queries
from kontor.usage.queries import Reading, UsageQuery, UsageReportValues
from kontor.usage.rules import TrialRun, features_in_force, limits_in_force
from kontor.usage.rules import trial_state as state_of
from models.accounts import Account

MAX_CLOCK_SKEW: Final = timedelta(hours=1)
MAX_AMOUNT: Final = 10**12
ID_LIMIT: Final = 255
LONGEST_PERIOD: Final = timedelta(days=33)
"""Of usage: 31 days, in whatever zone."""


@dataclass(frozen=True, slots=True)
class NewUsageReport:
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


def validate_report(report: NewUsageReport, programme: Programme, now: datetime) -> None:
    """Validate a report. Raises Invalid with every invalid field."""
    errors = []
    if report.metric not in programme.metrics:
        metrics = ", ".join(programme.metrics) or "none"
        errors.append(FieldError("metric", f"The programme has no metric {report.metric!r}; its metrics: {metrics}."))
    if abs(report.amount) > MAX_AMOUNT:
        errors.append(FieldError(report.kind.value, f"must be at most {MAX_AMOUNT}"))
    if report.kind is ReportKind.VALUE and report.amount < 0:
        errors.append(FieldError("value", "must not be negative"))
    if report.at > now + MAX_CLOCK_SKEW:
        errors.append(FieldError("at", f"must be at most an hour after now, {now.isoformat()}"))
    if report.report_id is not None and not 1 <= len(report.report_id) <= ID_LIMIT:
        errors.append(FieldError("report_id", f"must have 1 to {ID_LIMIT} characters"))
    if errors:
        raise Invalid("invalid", "The report is not valid.", errors=errors)


def store_report(
    session: Session, programme: Programme, account: Account, report: NewUsageReport, now: datetime
) -> bool:
    """Store a validated report on a locked account; False if its `report_id` was already stored."""
    day = local_day(report.at, programme.zone)
    new = UsageReportValues(
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
    return usage_queries.add(session, new)


def current_usage(session: Session, programme: Programme, account: Account, now: datetime) -> Usage:
    """Return an account's usage in its current period."""
    return current_usages(session, programme, [account], now)[account.id]


def current_usages(
    session: Session, programme: Programme, accounts: Sequence[Account], now: datetime
) -> dict[UUID, Usage]:
    """Return the usage of many accounts of one programme in their current periods, in one query."""
    periods = current_periods(session, programme, accounts, now)
    queries = [
        UsageQuery(account_id, metric, period.start, period.end)
        for account_id, period in periods.items()
        for metric in programme.metrics
    ]
    readings = usage_queries.read_usage(session, queries)
    return {
        account_id: Usage(period, {metric: readings[account_id, metric] for metric in programme.metrics})
        for account_id, period in periods.items()
    }


def current_values(
    session: Session, programmes: Programmes, accounts: Sequence[Account], now: datetime
) -> dict[UUID, dict[str, int]]:
    """Return the usage by metric of accounts of any programme, in their current periods."""
    values_by_account: dict[UUID, dict[str, int]] = {}
    for code in {account.programme for account in accounts}:
        members = [account for account in accounts if account.programme == code]
        for account_id, used in current_usages(session, programmes.current(session, code), members, now).items():
            values_by_account[account_id] = {metric: reading.value for metric, reading in used.readings.items()}
    return values_by_account


def may_exceed(programme: Programme, now: datetime) -> tuple[str, dict[str, object]]:
    """Return the SQL condition whether an account `a` may use more than a limit of its plan, and its parameters.

    It asks for less than `current_values`, which says what is so.
    """
    rows = [
        (plan.code, metric, limit)
        for plan in programme.plans.values()
        for metric, limit in plan.limits.items()
        if limit is not None
    ]
    plans, metrics, allowed = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    params = {
        "plans": plans,
        "metrics": metrics,
        "limits": allowed,
        "known_plans": list(programme.plans),
        "free_plan": programme.free_plan.code,
        "first": now.date() - LONGEST_PERIOD,
    }
    return usage_queries.MAY_EXCEED, params


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
    anchors = usage_queries.anchors(session, ids, today)
    paid = {account_id: paid_period(day, paid_period_index(day, today)) for account_id, day in anchors.items()}
    return dict.fromkeys(ids, month) | paid


def running_trial(account: Account) -> TrialRun | None:
    """Return the trial that is stored as running, if any."""
    if account.trial_state != TrialState.RUNNING or account.trial_started_at is None or account.trial_ends_at is None:
        return None
    return TrialRun(account.trial_started_at, account.trial_ends_at)


def trial_state(account: Account, now: datetime) -> TrialState:
    """Return the trial state at `now`; the trial's end is exclusive (programme.md 4.2)."""
    run = running_trial(account)
    return TrialState(account.trial_state) if run is None else state_of(run, now)


def features(account: Account, programme: Programme, now: datetime) -> list[str]:
    """Return the codes of the features in force."""
    plan = programme.plans.get(account.plan, programme.free_plan)
    return features_in_force(plan, programme.plans.values(), trial_state(account, now))


def limits(account: Account, programme: Programme, now: datetime) -> dict[str, int | None]:
    """Return the limit of every metric; None means unlimited, as during a trial."""
    plan = programme.plans.get(account.plan, programme.free_plan)
    in_force = limits_in_force(plan, trial_state(account, now))
    return {metric: in_force.get(metric) for metric in programme.metrics}


ChangedLimits = Mapping[str, frozenset[str]]
"""By plan, the metrics whose limit a version changes."""


def changed_limits(before: Programme, after: Programme) -> ChangedLimits:
    """Return what limits two versions have that differ, of the plans that both have."""
    metrics = {*before.metrics, *after.metrics}
    by_plan = {
        code: frozenset(m for m in metrics if before.plans[code].limits.get(m) != plan.limits.get(m))
        for code, plan in after.plans.items()
        if code in before.plans
    }
    return {code: changed for code, changed in by_plan.items() if changed}
