"""Quotas: writes each notice that a report or a changed limit makes due, once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.ids import new_id
from domain.periods import Period
from domain.programme import Change, Programme
from domain.quotas import Threshold, mail_due
from engine.enqueue import Jobs
from models.accounts import Account
from services import allowances, events, usage
from services.events import reseller_of
from services.usage import Usage
from store import quotas as rows
from store.usage import Reading

TELL: Final = "quotas.tell"
JUDGE: Final = "quotas.judge"


def judge(
    session: Session, jobs: Jobs, programme: Programme, account: Account, now: datetime, metric: str | None = None
) -> Usage:
    """Write the notices due for a locked account's current period; return its usage.

    Called after a report, for its `metric` only (a level carried over in another metric waits for a report of
    that metric), and after a change of limits, for all (programme.md 4.5). Each notice is mailed by its own job;
    `exceeded` also emits an event.
    """
    used = usage.present(session, programme, account, now)
    allowed = allowances.limits(account, programme, now)
    finite = {name: limit for name, limit in allowed.items() if limit is not None and metric in (None, name)}
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
    close = {m: limit for m, limit in finite.items() if mail_due(used.readings[m].value, limit, warning, ())}
    if not close:
        return {}
    notified = rows.thresholds(session, account.id, {m: (used.period.start, limit) for m, limit in close.items()})
    due = {m: mail_due(used.readings[m].value, limit, warning, notified[m]) for m, limit in close.items()}
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
    if not rows.add(session, notice):
        return
    tell(session, jobs, notice_id, account)
    if threshold is Threshold.EXCEEDED:
        event_data = {
            "account_id": str(account.id),
            "name": account.name,
            "metric": metric,
            "value": reading.value,
            "limit": limit,
            "period": {"from": period.start.isoformat(), "to": period.end.isoformat()},
        }
        events.emit(session, jobs, "quota.exceeded", account, event_data, at=now)


def tell(session: Session, jobs: Jobs, notice_id: UUID, account: Account) -> UUID:
    """Enqueue the job that mails a notice; return its id."""
    tenant = str(reseller_of(account) or "")
    return jobs.enqueue(session, TELL, {"notice_id": str(notice_id)}, tenant=tenant).id


def programme_changed(session: Session, jobs: Jobs, code: str, changes: Iterable[Change]) -> bool:
    """Enqueue a check of a programme's accounts if the applied changes include a limit; return whether they do."""
    changed = any(change.path.startswith("plans.") and ".limits." in change.path for change in changes)
    if changed:
        jobs.enqueue(session, JUDGE, {"programme": code})
    return changed
