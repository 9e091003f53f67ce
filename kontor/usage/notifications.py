"""Mails about quotas and trials, their copies, and the digest of copies left off."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.engine.enqueue import Jobs
from kontor.kernel.errors import Conflict
from kontor.kernel.states import Threshold, TrialState
from kontor.mails import service as mails
from kontor.mails.service import MailRule, Refreshed
from kontor.programme.model import Programme
from kontor.programme.service import Programmes
from kontor.usage import queries, service
from kontor.usage.payloads import DIGEST, QuotasDigest
from kontor.usage.rules import QuotaRecipients, clock_hour, may_send_copy, quota_recipients, reached_threshold
from kontor.usage.service import Usage
from models.accounts import Account
from models.mails import Mail
from models.usage import QuotaNotice


def mail_notice(session: Session, jobs: Jobs, notice: QuotaNotice, account: Account, now: datetime) -> UUID | None:
    """Mail a locked notice (programme.md 4.6); return the mail's id, None for a duplicate."""
    owner = session.get(Account, account.reseller_id) if account.reseller_id is not None else None
    addressees = _recipients(session, account, owner, now)
    cc = (
        [addressees.cc]
        if addressees.cc is not None and owner and _copy_goes_out(session, jobs, notice, owner, now)
        else []
    )
    notice.told_at = now
    notice.mail_id = mails.post(
        session,
        jobs,
        template=f"quota-{notice.threshold}",
        account=account,
        facts=_facts(notice, account, account.admin_email if addressees.note else ""),
        fact_key=f"{notice.metric}:{notice.period_start}:{notice.allowed}:{notice.threshold}",
        to=addressees.to,
        cc=cc,
        refs={"account_id": str(account.id), "plan": notice.plan},
    )
    session.flush()
    return notice.mail_id


def _recipients(session: Session, account: Account, owner: Account | None, now: datetime) -> QuotaRecipients:
    if owner is None or owner.purged_at is not None:
        return QuotaRecipients(account.admin_email)
    suppressed = mails.suppressed_until(session, account.email_key, now) is not None
    return quota_recipients(account.admin_email, owner.admin_email, suppressed=suppressed)


def _copy_goes_out(session: Session, jobs: Jobs, notice: QuotaNotice, owner: Account, now: datetime) -> bool:
    """Return whether the reseller gets its copy now; if not, assign the notice to the hour's digest.

    An hour is closed once its digest is made, even if this job began in it: the notice counts for the next one.
    """
    notice.reseller_id = owner.id
    hour, end = clock_hour(now)
    state = queries.lock_hour(session, owner.id, hour)
    while state.closed:
        hour, end = clock_hour(end)
        state = queries.lock_hour(session, owner.id, hour)
    if may_send_copy(state.copies):
        queries.count_copy(session, owner.id, hour)
        return True
    notice.digest_hour = hour
    digest = QuotasDigest(reseller_id=owner.id, hour=hour)
    key = f"{DIGEST}:{owner.id}:{hour.isoformat()}"
    jobs.enqueue(session, digest, tenant=str(owner.id), run_at=end, effect_key=key)
    return False


def _facts(notice: QuotaNotice, account: Account, undeliverable_to: str) -> dict[str, object]:
    return {
        "account": account.name,
        "metric": notice.metric,
        "value": notice.value,
        "limit": notice.allowed,
        "percent": notice.value * 100 // notice.allowed if notice.allowed else 100,
        "resets_on": notice.period_end if notice.resets else None,
        "read_only": notice.threshold == Threshold.EXCEEDED,
        "undeliverable_to": undeliverable_to,
    }


def mail_digest(session: Session, jobs: Jobs, reseller: Account, hour: datetime) -> int:
    """Mail the copies held back in a past clock hour; return the number of notices, 0 if already done."""
    if queries.lock_hour(session, reseller.id, hour).closed:
        return 0
    queries.close_hour(session, reseller.id, hour)
    notices = queries.digest_notices(session, reseller.id, hour)
    if not notices:
        return 0
    start, end = clock_hour(hour)
    mails.post(
        session,
        jobs,
        template="quota-digest",
        account=reseller,
        facts={"starts_at": start, "ends_at": end, "notices": [_line(notice, name) for notice, name in notices]},
        fact_key=start.isoformat(),
        reseller_id=reseller.id,
    )
    return len(notices)


def _line(notice: QuotaNotice, name: str) -> dict[str, object]:
    return {
        "account": name,
        "threshold": notice.threshold,
        "metric": notice.metric,
        "value": notice.value,
        "limit": notice.allowed,
    }


def _skip_reason(session: Session, mail: Mail, now: datetime) -> str | None:
    """Return the reason to skip a quota mail, if its limit no longer applies to the account."""
    account = session.get_one(Account, UUID(str(mail.refs["account_id"])))
    if account.deleted_at is not None:
        return "the account was deleted"
    if account.plan != mail.refs["plan"]:
        return "the account's plan was changed"
    if service.trial_state(account, now) is TrialState.RUNNING:
        return "a trial without limits is running"
    return None


def _refresh(session: Session, programmes: Programmes, mail: Mail, now: datetime) -> Refreshed:
    """Return the current usage, if it still crosses the same threshold. Raises Conflict(`not_sendable`)."""
    account = session.get_one(Account, UUID(str(mail.refs["account_id"])))
    programme = programmes.current(session, account.programme)
    used = service.current_usage(session, programme, account, now)
    limit, reading = int(mail.facts["limit"]), used.readings.get(mail.facts["metric"])
    crossed = None if reading is None else reached_threshold(reading.value, limit, programme.quota.warning)
    if reading is None or crossed is None or mail.template != f"quota-{crossed.value}":
        raise Conflict("not_sendable", "Usage is no longer at that threshold.")
    percent = reading.value * 100 // limit if limit else 100
    resets_on = None if reading.carried else used.period.end
    return Refreshed({"value": reading.value, "percent": percent, "resets_on": resets_on})


QUOTA_RULES: Final[Mapping[str, MailRule]] = MappingProxyType(
    {f"quota-{crossed.value}": MailRule(skip_reason=_skip_reason, refresh=_refresh) for crossed in Threshold}
)

DAY: Final = timedelta(days=1)


def mail_trial_started(session: Session, jobs: Jobs, programme: Programme, account: Account) -> None:
    """Post `trial-started` to the account's admin."""
    facts = {"ends_at": account.trial_ends_at, **_free_plan_limit(programme)}
    _post(session, jobs, "trial-started", account, facts, "once")


def mail_trial_reminder(
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


def mail_trial_ended(session: Session, jobs: Jobs, programme: Programme, account: Account, used: Usage) -> None:
    """Post `trial-ended` for an expired trial; it names a metric that is over its limit, if any."""
    limits = {m: limit for m, limit in sorted(programme.free_plan.limits.items()) if limit is not None}
    over = {m: limit for m, limit in limits.items() if used.readings[m].value > limit}
    facts: dict[str, object] = {"ended_at": account.trial_ends_at, "read_only": bool(over)}
    for metric, limit in [*over.items(), *limits.items()][:1]:
        facts |= {"metric": metric, "value": max(used.readings[metric].value, 0), "limit": limit}
    _post(session, jobs, "trial-ended", account, facts, "once")


def _time_left(account: Account, now: datetime) -> dict[str, object]:
    """Return the end of the trial and the days until then, rounded up."""
    ends_at = account.trial_ends_at or now
    return {"ends_at": ends_at, "days": max(0, -(-(ends_at - now) // DAY))}


def _free_plan_limit(programme: Programme) -> dict[str, object]:
    """Return the first limit of the free plan, which applies after the trial, if any."""
    finite = [(m, limit) for m, limit in sorted(programme.free_plan.limits.items()) if limit is not None]
    return {"metric": finite[0][0], "limit": finite[0][1]} if finite else {}


def _post(
    session: Session, jobs: Jobs, template: str, account: Account, facts: Mapping[str, object], fact_key: str
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
    over = service.trial_state(_account(session, mail), now) is not TrialState.RUNNING
    return _started_skip_reason(session, mail, now) or ("the trial is over" if over else None)


def _refresh_reminder(session: Session, _programmes: Programmes, mail: Mail, now: datetime) -> Refreshed:
    """Return the current end of the trial and the days left."""
    return Refreshed(_time_left(_account(session, mail), now))


def _ended_skip_reason(session: Session, mail: Mail, now: datetime) -> str | None:
    """Return the reason to skip `trial-ended`, if any."""
    account = _account(session, mail)
    if account.deleted_at is not None:
        return "the account was deleted"
    return "a paid plan was taken" if account.plan != mail.refs["plan"] else None


TRIAL_RULES: Final[Mapping[str, MailRule]] = MappingProxyType(
    {
        "trial-started": MailRule(skip_reason=_started_skip_reason),
        "trial-reminder": MailRule(skip_reason=_reminder_skip_reason, refresh=_refresh_reminder),
        "trial-ended": MailRule(skip_reason=_ended_skip_reason),
    }
)
