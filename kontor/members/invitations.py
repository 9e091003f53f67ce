"""Invitations of members: a link by mail, once, within 72 hours; the first one of an address sets its password."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import activation
from kontor.accounts import service as accounts
from kontor.accounts.suspension import require_not_suspended
from kontor.context import Context
from kontor.kernel import database
from kontor.kernel.errors import Conflict, Gone
from kontor.kernel.ids import new_id
from kontor.kernel.limits import ACTIVATIONS
from kontor.kernel.ports import validate_password
from kontor.kernel.tokens import Tokens
from kontor.limits import service as limits
from kontor.mails import service as mails
from kontor.mails import strangers
from kontor.mails.service import Links, MailRule, Refreshed
from kontor.members import queries
from kontor.programme.service import Programmes
from models.accounts import Account
from models.mails import Mail
from models.members import Member, MemberPassword

TEMPLATE: Final = "member-invited"
PURPOSE: Final = "invite"
LIFETIME: Final = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class MemberInvitation:
    """What a link is about; `asks_password`: the address has no password as member yet."""

    account: Account
    member: Member
    asks_password: bool


def send(ctx: Context, session: Session, account: Account, member: Member) -> None:
    """Mail an invitation; only the newest one works. Raises LimitReached."""
    activation.require_activation_mail(ctx, session, member.email, account.reseller_id)
    limits.count(session, ACTIVATIONS, limits.of_address(member.email), ctx.now)
    member.invitation_serial += 1
    expires_at = ctx.now + LIFETIME
    mails.post(
        session,
        ctx.jobs,
        template=TEMPLATE,
        account=account,
        to=member.email,
        locale=member.locale,
        facts={"account": account.name, "member": member.name, "expires_at": expires_at},
        fact_key=new_id().hex,
        refs={
            "member_id": str(member.id),
            "serial": member.invitation_serial,
            "expires_at": expires_at.isoformat(),
        },
    )


def peek(ctx: Context, session: Session, tokens: Tokens, token: str) -> MemberInvitation:
    """Return the invitation behind a link; changes nothing. Raises NotFound (forged), Gone."""
    claims = tokens.read(PURPOSE, token, ctx.now)
    member = queries.by_id(session, UUID(claims["member"]))
    account = None if member is None else accounts.find(session, member.account_id)
    if member is None or account is None or account.deleted_at is not None:
        raise Gone("withdrawn", "This invitation was withdrawn.")
    if member.confirmed_at is not None:
        raise Gone("used", "This link was used.")
    if claims["serial"] != member.invitation_serial:
        raise Gone("expired", "A newer link was sent.")
    return MemberInvitation(account, member, queries.password_of(session, member.email_key) is None)


def accept(ctx: Context, session: Session, tokens: Tokens, token: str, password: str) -> MemberInvitation:
    """Confirm the address; without a password as member it gets this one. Another one that it has stays.

    Raises NotFound (forged), Gone, Conflict(`account_suspended`), Invalid.
    """
    invitation = peek(ctx, session, tokens, token)
    member = invitation.member
    database.lock_names(session, f"member:{member.email_key}")
    session.refresh(member)
    require_not_suspended(invitation.account)
    if member.confirmed_at is not None:
        raise Conflict("used", "This link was used.")
    if queries.password_of(session, member.email_key) is None:
        digest = ctx.passwords.hash(validate_password(password))
        session.add(MemberPassword(email_key=member.email_key, password_hash=digest, changed_at=ctx.now))
    member.confirmed_at = ctx.now
    strangers.confirm_address(session, invitation.account, member.email, ctx.now)
    session.flush()
    return invitation


def make_token(tokens: Tokens, member_id: UUID, serial: int, expires_at: datetime) -> str:
    """Return the token of an invitation."""
    return tokens.make(PURPOSE, {"member": member_id.hex, "serial": serial}, expires_at)


def _links(_session: Session, tokens: Tokens, mail: Mail) -> Links:
    member_id, serial = UUID(str(mail.refs["member_id"])), int(mail.refs["serial"])
    token = make_token(tokens, member_id, serial, datetime.fromisoformat(mail.refs["expires_at"]))
    return {"page": f"/invite/{token}"}


def _skip_reason(session: Session, mail: Mail, now: datetime) -> str | None:
    member = queries.by_id(session, UUID(str(mail.refs["member_id"])))
    if member is None:
        return "the member was removed"
    if member.confirmed_at is not None:
        return "the invitation was accepted"
    if member.invitation_serial != mail.refs["serial"]:
        return "a newer link was sent"
    return "the link has expired" if now >= datetime.fromisoformat(mail.refs["expires_at"]) else None


def _refresh(_session: Session, _programmes: Programmes, _mail: Mail, now: datetime) -> Refreshed:
    """Give the link the lifetime of a new one."""
    expires_at = now + LIFETIME
    return Refreshed({"expires_at": expires_at}, {"expires_at": expires_at.isoformat()})


MAIL_RULES: Final = {TEMPLATE: MailRule(skip_reason=_skip_reason, links=_links, refresh=_refresh)}
