"""The mails about a trial, and when they are no longer worth sending."""

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
    """`trial-started`, To the account's admin."""
    facts = {"ends_at": account.trial_ends_at, **_afterwards(programme)}
    _post(session, jobs, "trial-started", account, facts, "once")


def reminder(
    session: Session, jobs: Jobs, programme: Programme, account: Account, due: datetime, now: datetime
) -> None:
    """`trial-reminder`; the days left are those at `now`, begun ones included."""
    _post(session, jobs, "trial-reminder", account, _left(account, now) | _afterwards(programme), due.isoformat())


def ended(session: Session, jobs: Jobs, programme: Programme, account: Account, used: Usage) -> None:
    """`trial-ended` for one that expired; it names the metric that is over its limit, if one is."""
    limits = {m: limit for m, limit in sorted(programme.free_plan.limits.items()) if limit is not None}
    over = {m: limit for m, limit in limits.items() if used.readings[m].value > limit}
    facts: dict[str, Any] = {"ended_at": account.trial_ends_at, "read_only": bool(over)}
    for metric, limit in [*over.items(), *limits.items()][:1]:
        facts |= {"metric": metric, "value": max(used.readings[metric].value, 0), "limit": limit}
    _post(session, jobs, "trial-ended", account, facts, "once")


def _left(account: Account, now: datetime) -> dict[str, Any]:
    """When the trial ends, and the days until then."""
    ends_at = account.trial_ends_at or now
    return {"ends_at": ends_at, "days": max(0, -(-(ends_at - now) // DAY))}


def _afterwards(programme: Programme) -> dict[str, Any]:
    """The first limit that the free plan has once the trial is over, if any."""
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


def _stopped(session: Session, mail: Mail, now: datetime) -> str | None:
    """Why the news of a trial that began is none any more; that it began stays true past its end."""
    account = _account(session, mail)
    if account.deleted_at is not None:
        return "the account was deleted"
    if account.trial_state == TrialState.CONVERTED:
        return "a paid plan was taken"
    return None


def _not_running(session: Session, mail: Mail, now: datetime) -> str | None:
    """Why nobody needs to be reminded any more."""
    over = allowances.trial_state(_account(session, mail), now) is not TrialState.RUNNING
    return _stopped(session, mail, now) or ("the trial is over" if over else None)


def _fewer_days(session: Session, _programmes: Programmes, mail: Mail, now: datetime) -> Renewed:
    """How long the trial still runs."""
    return Renewed(_left(_account(session, mail), now))


def _no_longer_free(session: Session, mail: Mail, now: datetime) -> str | None:
    """Why it is not said that the account is on the free plan again."""
    account = _account(session, mail)
    if account.deleted_at is not None:
        return "the account was deleted"
    return "a paid plan was taken" if account.plan != mail.refs["plan"] else None


RULES: Final[Mapping[str, MailRule]] = MappingProxyType(
    {
        "trial-started": MailRule(obsolete=_stopped),
        "trial-reminder": MailRule(obsolete=_not_running, renewed=_fewer_days),
        "trial-ended": MailRule(obsolete=_no_longer_free),
    }
)
