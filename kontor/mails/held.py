"""Held mails leave as far as the allowances of their resellers reach."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from kontor.engine.enqueue import Jobs
from kontor.kernel.errors import Conflict
from kontor.limits import service as limits
from kontor.mails import limit_queries
from kontor.mails.payloads import MailSend
from kontor.mails.service import MailRule
from kontor.mails.strangers import limit_of
from kontor.programme.service import Programmes
from models.accounts import Account
from models.mails import Mail, MailState


def release(session: Session, jobs: Jobs, rules: Mapping[str, MailRule], programmes: Programmes) -> dict[str, int]:
    """Queue held mails as far as the allowances reach, oldest first; return how many left and how many wait."""
    now, released, waiting = jobs.clock.now(), 0, 0
    for reseller_id, count_held in limit_queries.resellers_with_held(session):
        limit = limit_of(session.get_one(Account, reseller_id), now)
        room = limits.room(session, limit, str(reseller_id), now, reseller_id)
        leaving = limit_queries.lock_held(session, reseller_id, room)
        for mail in leaving:
            _refresh(session, rules.get(mail.template), programmes, mail, now)
            mail.state, mail.reason = MailState.QUEUED.value, None
            limits.count(session, limit, str(reseller_id), now)
            jobs.enqueue(session, MailSend(mail_id=mail.id), tenant=str(reseller_id))
        released += len(leaving)
        waiting += count_held - len(leaving)
    return {"released": released, "waiting": waiting}


def _refresh(session: Session, rule: MailRule | None, programmes: Programmes, mail: Mail, now: datetime) -> None:
    """Bring a mail's facts up to date, such as the life of its link; one that lapsed is skipped when it is sent."""
    if rule is None or rule.refresh is None:
        return
    try:
        newer = rule.refresh(session, programmes, mail, now)
    except Conflict:
        return
    mail.facts, mail.refs = {**mail.facts, **_plain(newer.facts)}, {**mail.refs, **newer.refs}


def _plain(facts: Mapping[str, object]) -> dict[str, object]:
    """Return facts as JSON holds them."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in facts.items()}
