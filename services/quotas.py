"""Quotas: which notice a report or a changed limit makes due, once for ever."""

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
    """Write the notices that are due on a locked account's present period; return its usage.

    Called when a report came, for its `metric` alone: what is carried over of another one waits for a
    report of its own; and when a limit changed (programme.md 4.5). Each notice is mailed by a job of its
    own; `exceeded` is an event, too.
    """
    used = usage.present(session, programme, account, now)
    allowed = allowances.limits(account, programme, now)
    finite = {name: limit for name, limit in allowed.items() if limit is not None and metric in (None, name)}
    if not finite or account.deleted_at is not None:
        return used
    for name, threshold in _due(session, programme, account, used, finite).items():
        _notice(session, jobs, account, used.period, name, used.readings[name], finite[name], threshold, now)
    return used


def _due(
    session: Session, programme: Programme, account: Account, used: Usage, finite: Mapping[str, int]
) -> dict[str, Threshold]:
    """The threshold to tell of, per metric; what is far below its warning asks nothing of the database."""
    warning = programme.quota.warning
    near = {m: limit for m, limit in finite.items() if mail_due(used.readings[m].value, limit, warning, ())}
    if not near:
        return {}
    told = rows.thresholds(session, account.id, {m: (used.period.start, limit) for m, limit in near.items()})
    found = {m: mail_due(used.readings[m].value, limit, warning, told[m]) for m, limit in near.items()}
    return {metric: threshold for metric, threshold in found.items() if threshold is not None}


def _notice(
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
        told = {
            "account_id": str(account.id),
            "name": account.name,
            "metric": metric,
            "value": reading.value,
            "limit": limit,
            "period": {"from": period.start.isoformat(), "to": period.end.isoformat()},
        }
        events.emit(session, jobs, "quota.exceeded", account, told, at=now)


def tell(session: Session, jobs: Jobs, notice_id: UUID, account: Account) -> UUID:
    """Enqueue the job that mails a notice."""
    tenant = str(reseller_of(account) or "")
    return jobs.enqueue(session, TELL, {"notice_id": str(notice_id)}, tenant=tenant).id


def programme_changed(session: Session, jobs: Jobs, code: str, changes: Iterable[Change]) -> bool:
    """Enqueue the judgement of a programme's accounts when what was applied changed a limit."""
    changed = any(change.path.startswith("plans.") and ".limits." in change.path for change in changes)
    if changed:
        jobs.enqueue(session, JUDGE, {"programme": code})
    return changed
