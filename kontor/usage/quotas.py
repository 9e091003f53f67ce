"""Quotas: which notice a report or a changed limit makes due, once for ever."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts.locks import lock_account
from kontor.context import Context
from kontor.engine.enqueue import Jobs
from kontor.kernel.ids import new_id
from kontor.kernel.periods import Period
from kontor.kernel.states import Threshold
from kontor.programme.model import Programme
from kontor.programme.versions import DatedProgramme
from kontor.usage import queries, service
from kontor.usage.payloads import QuotasCheck, QuotasNotify
from kontor.usage.queries import Reading
from kontor.usage.rules import due_threshold
from kontor.usage.service import ChangedLimits, NewUsageReport, Usage
from kontor.webhooks import events
from kontor.webhooks.events import reseller_of
from models.accounts import Account


def check_thresholds(
    session: Session,
    jobs: Jobs,
    programme: Programme,
    account: Account,
    now: datetime,
    metrics: Collection[str] | None = None,
) -> Usage:
    """Write the notices due for a locked account's current period; return its usage.

    Called after a report, for its metric, and after a change of limits, for those that changed, None: all. A level
    carried over in another metric waits for its own report or change (programme.md 4.5). Each notice is mailed by its
    own job; `exceeded` also emits an event.
    """
    used = service.current_usage(session, programme, account, now)
    allowed = service.limits(account, programme, now)
    finite = {
        name: limit for name, limit in allowed.items() if limit is not None and (metrics is None or name in metrics)
    }
    if not finite or account.deleted_at is not None:
        return used
    for name, threshold in _due(session, programme, account, used, finite).items():
        _write_notice(session, jobs, account, used.period, name, used.readings[name], finite[name], threshold, now)
    return used


def _due(
    session: Session, programme: Programme, account: Account, used: Usage, finite: Mapping[str, int]
) -> dict[str, Threshold]:
    """Return the threshold to notify, by metric; metrics below the warning cost no query."""
    warning = programme.quota.warning
    close = {m: limit for m, limit in finite.items() if due_threshold(used.readings[m].value, limit, warning, ())}
    if not close:
        return {}
    notified = queries.thresholds(session, account.id, {m: (used.period.start, limit) for m, limit in close.items()})
    due = {m: due_threshold(used.readings[m].value, limit, warning, notified[m]) for m, limit in close.items()}
    return {metric: threshold for metric, threshold in due.items() if threshold is not None}


def _write_notice(
    session: Session,
    jobs: Jobs,
    account: Account,
    period: Period,
    metric: str,
    reading: Reading,
    limit: int,
    threshold: Threshold,
    now: datetime,
) -> None:
    notice_id = new_id()
    notice = {
        "id": notice_id,
        "account_id": account.id,
        "metric": metric,
        "period_start": period.start,
        "period_end": period.end,
        "allowed": limit,
        "threshold": threshold.value,
        "value": reading.value,
        "plan": account.plan,
        "resets": not reading.carried,
        "at": now,
    }
    if not queries.add_quota_mail(session, notice):
        return
    enqueue_notice(session, jobs, notice_id, account)
    event_data: dict[str, object] = {
        "account_id": str(account.id),
        "name": account.name,
        "metric": metric,
        "value": reading.value,
        "limit": limit,
        "period": {"from": period.start.isoformat(), "to": period.end.isoformat()},
    }
    of_threshold = {**event_data, "threshold": threshold.value}
    events.emit(session, jobs, "usage.threshold", account, of_threshold, at=now)
    if threshold is Threshold.EXCEEDED:
        events.emit(session, jobs, "quota.exceeded", account, event_data, at=now)


def enqueue_notice(session: Session, jobs: Jobs, notice_id: UUID, account: Account) -> UUID:
    """Enqueue the job that mails a notice; return its id."""
    tenant = str(reseller_of(account) or "")
    return jobs.enqueue(session, QuotasNotify(notice_id=notice_id), tenant=tenant).id


def enqueue_check_on_limit_change(
    session: Session, jobs: Jobs, code: str, before: DatedProgramme, after: DatedProgramme
) -> None:
    """Enqueue a check of a programme's accounts if a version changes a limit of the one before it."""
    if service.changed_limits(before.programme, after.programme):
        jobs.enqueue(session, QuotasCheck(programme=code, follows=before.number, number=after.number))


def check_changed(
    session: Session,
    jobs: Jobs,
    programme: Programme,
    accounts: Iterable[Account],
    changed: ChangedLimits,
    now: datetime,
) -> None:
    """Write the notices of locked accounts whose plan got another limit, for the metrics concerned."""
    for account in accounts:
        metrics = changed.get(account.plan)
        if metrics:
            check_thresholds(session, jobs, programme, account, now, metrics)


@dataclass(frozen=True, slots=True)
class ReportResult:
    """A metric after the report: its value in the current period and its limit (None: unlimited)."""

    metric: str
    value: int
    limit: int | None
    repeated: bool


def receive_report(ctx: Context, session: Session, account_id: UUID, usage_report: NewUsageReport) -> ReportResult:
    """Store a report and check the quota. A repeated `report_id` of the account changes nothing.

    Raises NotFound, Conflict(`account_deleted`), Invalid.
    """
    account = lock_account(session, account_id)
    programme = ctx.programme_of(session, account)
    service.validate_report(usage_report, programme, ctx.now)
    added = service.store_report(session, programme, account, usage_report, ctx.now)
    if added:
        used = check_thresholds(session, ctx.jobs, programme, account, ctx.now, {usage_report.metric})
    else:
        used = service.current_usage(session, programme, account, ctx.now)
    limit = service.limits(account, programme, ctx.now)[usage_report.metric]
    return ReportResult(usage_report.metric, used.readings[usage_report.metric].value, limit, repeated=not added)
