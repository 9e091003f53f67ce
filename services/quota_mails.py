"""Quota mails, the reseller's copies of them, and the digest of copies that were held back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import Conflict
from domain.quotas import Recipients, Threshold, cc_goes_out, clock_hour, recipients, threshold
from domain.trials import TrialState
from engine.enqueue import Jobs
from models.accounts import Account
from models.mails import Mail
from models.quotas import QuotaNotice
from services import allowances, mails, usage
from services.mails import MailRule, Renewed
from services.programmes import Programmes
from store import quotas as rows
from store.mails import suppressed_until

DIGEST: Final = "quotas.digest"


def tell(session: Session, jobs: Jobs, notice: QuotaNotice, account: Account, now: datetime) -> UUID | None:
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


def _recipients(session: Session, account: Account, owner: Account | None, now: datetime) -> Recipients:
    if owner is None or owner.purged_at is not None:
        return Recipients(account.admin_email)
    suppressed = suppressed_until(session, account.email_key, now) is not None
    return recipients(account.admin_email, owner.admin_email, suppressed=suppressed)


def _copy_goes_out(session: Session, jobs: Jobs, notice: QuotaNotice, owner: Account, now: datetime) -> bool:
    """Return whether the reseller gets its copy now; if not, assign the notice to the hour's digest.

    An hour is closed once its digest is made, even if this job began in it: the notice counts for the next one.
    """
    notice.reseller_id = owner.id
    hour, end = clock_hour(now)
    state = rows.lock_hour(session, owner.id, hour)
    while state.closed:
        hour, end = clock_hour(end)
        state = rows.lock_hour(session, owner.id, hour)
    if cc_goes_out(state.copies):
        rows.count_copy(session, owner.id, hour)
        return True
    notice.digest_hour = hour
    args = {"reseller_id": str(owner.id), "hour": hour.isoformat()}
    key = f"{DIGEST}:{owner.id}:{hour.isoformat()}"
    jobs.enqueue(session, DIGEST, args, tenant=str(owner.id), run_at=end, once_key=key)
    return False


def _facts(notice: QuotaNotice, account: Account, undeliverable_to: str) -> dict[str, Any]:
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


def digest(session: Session, jobs: Jobs, reseller: Account, hour: datetime) -> int:
    """Mail the copies held back in a past clock hour; return the number of notices, 0 if already done."""
    if rows.lock_hour(session, reseller.id, hour).closed:
        return 0
    rows.close_hour(session, reseller.id, hour)
    notices = rows.left_off(session, reseller.id, hour)
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


def _line(notice: QuotaNotice, name: str) -> dict[str, Any]:
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
    if allowances.trial_state(account, now) is TrialState.RUNNING:
        return "a trial without limits is running"
    return None


def _refresh(session: Session, programmes: Programmes, mail: Mail, now: datetime) -> Renewed:
    """Return the current usage, if it still crosses the same threshold. Raises Conflict(`not_sendable`)."""
    account = session.get_one(Account, UUID(str(mail.refs["account_id"])))
    programme = programmes.current(session, account.programme)
    used = usage.present(session, programme, account, now)
    limit, reading = int(mail.facts["limit"]), used.readings.get(mail.facts["metric"])
    crossed = None if reading is None else threshold(reading.value, limit, programme.quota.warning)
    if reading is None or crossed is None or mail.template != f"quota-{crossed.value}":
        raise Conflict("not_sendable", "Usage is no longer at that threshold.")
    percent = reading.value * 100 // limit if limit else 100
    resets_on = None if reading.carried else used.period.end
    return Renewed({"value": reading.value, "percent": percent, "resets_on": resets_on})


RULES: Final[Mapping[str, MailRule]] = MappingProxyType(
    {f"quota-{crossed.value}": MailRule(obsolete=_skip_reason, renewed=_refresh) for crossed in Threshold}
)
