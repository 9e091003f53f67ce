"""Mails about operators' logins, and about API keys that expire: to the account of a key, otherwise to the admins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.accounts import service as accounts
from kontor.engine.enqueue import Jobs
from kontor.http.browsers import device_name
from kontor.kernel.tokens import Tokens
from kontor.mails import service as mails
from kontor.mails.service import Links, MailRule
from kontor.operators import queries
from kontor.operators.sessions import NewSession
from models.keys import ApiKey
from models.mails import Mail

TEMPLATE: Final = "key-expiring"
NOTICES: Final = (1, 7, 30)
"""Days before the end at which the owners are told, the nearest first."""

DAY: Final = timedelta(days=1)


def due_notice(left: timedelta) -> int | None:
    """Return which notice is due when so much is left; None before the first one and after the end."""
    if left <= timedelta(0):
        return None
    return next((days for days in NOTICES if left <= days * DAY), None)


def expiring(session: Session, real_now: datetime) -> Sequence[ApiKey]:
    """Return the keys that expire within 30 days of real time, the first to expire first."""
    query = select(ApiKey).where(ApiKey.revoked_at.is_(None), ApiKey.expires_at > real_now)
    return session.scalars(
        query.where(ApiKey.expires_at <= real_now + NOTICES[-1] * DAY).order_by(ApiKey.expires_at)
    ).all()


def notify_expiring(session: Session, jobs: Jobs) -> int:
    """Mail the owners of expiring keys, once for each notice; return how many mails were new."""
    real_now = jobs.clock.wall_time()
    return sum(
        mail_id is not None for key in expiring(session, real_now) for mail_id in _notify(session, jobs, key, real_now)
    )


def _notify(session: Session, jobs: Jobs, key: ApiKey, real_now: datetime) -> Iterator[UUID | None]:
    assert key.expires_at is not None
    left = key.expires_at - real_now
    fact_key = f"{key.id}:{due_notice(left)}"
    facts = {"key": key.name, "days": -(-left // DAY), "expires_at": key.expires_at, "last_used_at": key.last_used_at}
    refs = {"key_id": str(key.id)}
    owner_id = key.account_id or key.reseller_id
    if owner_id is None:
        for admin in queries.admins(session):
            yield mails.post_to(
                session, jobs, template=TEMPLATE, address=admin.email, facts=facts, fact_key=fact_key, refs=refs
            )
        return
    owner = accounts.find(session, owner_id)
    if owner is not None and owner.deleted_at is None:
        facts["account"] = owner.name
        yield mails.post(session, jobs, template=TEMPLATE, account=owner, facts=facts, fact_key=fact_key, refs=refs)


def _skip_reason(session: Session, mail: Mail, _now: datetime) -> str | None:
    key = session.get(ApiKey, UUID(str(mail.refs["key_id"])))
    return "the key was revoked" if key is None or key.revoked_at is not None else None


NEW_SIGN_IN: Final = "new-sign-in"
SECURITY_PAGE: Final = "/console/security"


def post_new_sign_in(session: Session, jobs: Jobs, opened: NewSession, at: datetime) -> None:
    """Post `new-sign-in` to the operator."""
    operator, row = opened.operator, opened.session
    facts = {"email": operator.email, "at": at, "device": device_name(row.agent), "origin": row.origin or ""}
    mails.post_to(
        session,
        jobs,
        template=NEW_SIGN_IN,
        address=operator.email,
        facts=facts,
        fact_key=f"session:{row.id}",
        locale=operator.locale or "en",
    )


def _links(_session: Session, _tokens: Tokens, mail: Mail) -> Links:
    """Lead to the page of one's own sign-in: an operator's in the console, another person's in the portal."""
    return {"security": str(mail.refs.get("page", SECURITY_PAGE))}


MAIL_RULES: Final = {TEMPLATE: MailRule(skip_reason=_skip_reason), NEW_SIGN_IN: MailRule(links=_links)}
