"""Mails about trials, and the rules that skip or refresh them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.programme import Programme
from domain.trials import TrialState
from engine.enqueue import Jobs
from models.accounts import Account
from models.mails import Mail
from services import allowances, mails
from services.mails import MailRule, Renewed
from services.programmes import Programmes
from services.usage import Usage

DAY: Final = timedelta(days=1)


def started(session: Session, jobs: Jobs, programme: Programme, account: Account) -> None:
    """Post `trial-started` to the account's admin."""
    facts = {"ends_at": account.trial_ends_at, **_free_plan_limit(programme)}
    _post(session, jobs, "trial-started", account, facts, "once")


def reminder(
    session: Session, jobs: Jobs, programme: Programme, account: Account, due: datetime, now: datetime
) -> None:
    """Post `trial-reminder`; the days left at `now` are rounded up."""
    _post(
        session,
        jobs,
        "trial-reminder",
        account,
        _time_left(account, now) | _free_plan_limit(programme),
        due.isoformat(),
    )


def ended(session: Session, jobs: Jobs, programme: Programme, account: Account, used: Usage) -> None:
    """Post `trial-ended` for an expired trial; it names a metric that is over its limit, if any."""
    limits = {m: limit for m, limit in sorted(programme.free_plan.limits.items()) if limit is not None}
    over = {m: limit for m, limit in limits.items() if used.readings[m].value > limit}
    facts: dict[str, Any] = {"ended_at": account.trial_ends_at, "read_only": bool(over)}
    for metric, limit in [*over.items(), *limits.items()][:1]:
        facts |= {"metric": metric, "value": max(used.readings[metric].value, 0), "limit": limit}
    _post(session, jobs, "trial-ended", account, facts, "once")


def _time_left(account: Account, now: datetime) -> dict[str, Any]:
    """Return the end of the trial and the days until then, rounded up."""
    ends_at = account.trial_ends_at or now
    return {"ends_at": ends_at, "days": max(0, -(-(ends_at - now) // DAY))}


def _free_plan_limit(programme: Programme) -> dict[str, Any]:
    """Return the first limit of the free plan, which applies after the trial, if any."""
    finite = [(m, limit) for m, limit in sorted(programme.free_plan.limits.items()) if limit is not None]
    return {"metric": finite[0][0], "limit": finite[0][1]} if finite else {}


def _post(
    session: Session, jobs: Jobs, template: str, account: Account, facts: Mapping[str, Any], fact_key: str
) -> None:
    mails.post(
        session,
        jobs,
        template=template,
        account=account,
        facts={"account": account.name, **facts},
        fact_key=fact_key,
        refs={"account_id": str(account.id), "plan": account.plan},
    )


def _account(session: Session, mail: Mail) -> Account:
    return session.get_one(Account, UUID(str(mail.refs["account_id"])))


def _started_skip_reason(session: Session, mail: Mail, now: datetime) -> str | None:
    """Return the reason to skip `trial-started`, if any; an ended trial is not one."""
    account = _account(session, mail)
    if account.deleted_at is not None:
        return "the account was deleted"
    if account.trial_state == TrialState.CONVERTED:
        return "a paid plan was taken"
    return None


def _reminder_skip_reason(session: Session, mail: Mail, now: datetime) -> str | None:
    """Return the reason to skip `trial-reminder`, if any."""
    over = allowances.trial_state(_account(session, mail), now) is not TrialState.RUNNING
    return _started_skip_reason(session, mail, now) or ("the trial is over" if over else None)


def _refresh_reminder(session: Session, _programmes: Programmes, mail: Mail, now: datetime) -> Renewed:
    """Return the current end of the trial and the days left."""
    return Renewed(_time_left(_account(session, mail), now))


def _ended_skip_reason(session: Session, mail: Mail, now: datetime) -> str | None:
    """Return the reason to skip `trial-ended`, if any."""
    account = _account(session, mail)
    if account.deleted_at is not None:
        return "the account was deleted"
    return "a paid plan was taken" if account.plan != mail.refs["plan"] else None


RULES: Final[Mapping[str, MailRule]] = MappingProxyType(
    {
        "trial-started": MailRule(obsolete=_started_skip_reason),
        "trial-reminder": MailRule(obsolete=_reminder_skip_reason, renewed=_refresh_reminder),
        "trial-ended": MailRule(obsolete=_ended_skip_reason),
    }
)
