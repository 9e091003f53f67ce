"""Activation: the admin of a new client confirms the address by a link, once, within 72 hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import addresses, queries
from kontor.accounts.locks import lock_account
from kontor.accounts.suspension import require_not_suspended
from kontor.context import Context
from kontor.kernel.errors import Conflict, Gone, NotFound
from kontor.kernel.ids import new_id
from kontor.kernel.limits import ACTIVATIONS, LimitReached
from kontor.kernel.ports import validate_password
from kontor.kernel.tokens import Tokens
from kontor.limits import service as limits
from kontor.mails import service as mails
from kontor.mails import strangers
from kontor.mails.service import Links, MailRule, Refreshed
from kontor.programme.service import Programmes
from kontor.webhooks import events
from models.accounts import Account
from models.mails import Mail

TEMPLATE: Final = "activation"
NOTICE: Final = "account-notice"
PURPOSE: Final = "activation"
ACTIVATION_LIFETIME: Final = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Invitation:
    """The account an activation link belongs to, and when the link expires."""

    account: Account
    expires_at: datetime

    @property
    def done(self) -> bool:
        """Whether the account is already active."""
        return self.account.activated_at is not None


def mail_link(ctx: Context, session: Session, account: Account, *, notice: bool = False) -> UUID | None:
    """Mail an activation link to the account's admin; only the newest one works.

    `notice`: to an address that another account has, a notice instead, which needs no activation.
    """
    limits.count(session, ACTIVATIONS, limits.of_address(account.admin_email), ctx.now)
    account.activation_serial += 1
    expires_at = ctx.now + ACTIVATION_LIFETIME
    return mails.post(
        session,
        ctx.jobs,
        template=NOTICE if notice else TEMPLATE,
        account=account,
        facts={"account": account.name} | ({} if notice else {"expires_at": expires_at}),
        fact_key=new_id().hex,
        refs={
            "version": account.email_version,
            "serial": account.activation_serial,
            "expires_at": expires_at.isoformat(),
        },
    )


def invite(ctx: Context, session: Session, account: Account) -> None:
    """Mail the admin of a client a link, or a notice to a known address; nothing else tells the two apart.

    Neither the account nor the answer to its reseller may show whether another account has the address.
    """
    registered = queries.email_in_use(session, account.email_key, excluding=account.id)
    mail_link(ctx, session, account, notice=registered)


def resend_link(ctx: Context, session: Session, account_id: UUID) -> Account:
    """Mail another activation link, or notice.

    Raises NotFound, Conflict(`already_activated`, `account_deleted`), LimitReached.
    """
    account = lock_account(session, account_id)
    if account.activated_at is not None:
        raise Conflict("already_activated", "The account is already active.", state="active")
    require_activation_mail(ctx, session, account.admin_email, account.reseller_id)
    invite(ctx, session, account)
    return account


def require_activation_mail(ctx: Context, session: Session, address: str, reseller_id: UUID | None) -> None:
    """Raise LimitReached unless one more activation mail may go to an address this hour."""
    free_in = limits.time_to_next(session, ACTIVATIONS, limits.of_address(address), ctx.now, reseller_id)
    if free_in is not None:
        raise LimitReached(ACTIVATIONS, limits.allowed(session, ACTIVATIONS, reseller_id), free_in)


def peek(ctx: Context, session: Session, tokens: Tokens, token: str) -> Invitation:
    """Return the invitation behind a link; changes nothing. Raises NotFound (forged), Gone."""
    return _resolve(ctx, session, tokens, token, lock=False)


def activate(ctx: Context, session: Session, tokens: Tokens, token: str, password: str | None = None) -> Invitation:
    """Activate the account by a link.

    Raises NotFound (forged), Gone, Conflict(`already_activated`, `account_suspended`), Invalid.
    """
    invitation = _resolve(ctx, session, tokens, token, lock=True)
    account = invitation.account
    if invitation.done:
        raise Conflict("already_activated", "The account is already active.", state="active")
    require_not_suspended(account)
    if password is not None:
        account.password_hash = ctx.passwords.hash(validate_password(password))
        account.password_by_reseller = False
    account.activated_at = ctx.now
    strangers.confirm(session, account, ctx.now)
    addresses.confirm(session, account, ctx.now)
    session.flush()
    event_data = {"account_id": str(account.id)}
    events.emit(session, ctx.jobs, "account.activated", account, event_data, at=ctx.now)
    return invitation


def _resolve(ctx: Context, session: Session, tokens: Tokens, token: str, *, lock: bool) -> Invitation:
    """Resolve a link; an expired one is accepted when the account is already active."""
    claims = tokens.read_expired(PURPOSE, token)
    account = queries.by_id(session, UUID(claims["account"]), lock=lock)
    if account is None:
        raise NotFound("unknown_token", "This link is not valid.")
    if account.deleted_at is not None:
        raise Gone("account_deleted", "The account was deleted.")
    if claims["version"] != account.email_version:
        raise Gone("address_changed", "The account's address has changed.")
    superseded = claims.get("serial", account.activation_serial) != account.activation_serial
    if account.activated_at is None and (superseded or ctx.now >= claims["exp"]):
        raise Gone("expired", "This link has expired; request a new one.")
    return Invitation(account, claims["exp"])


def account_behind(session: Session, tokens: Tokens, token: str) -> Account | None:
    """Return the account of a link, however old, unless it was deleted. Raises NotFound (forged)."""
    account = queries.by_id(session, UUID(tokens.read_expired(PURPOSE, token)["account"]))
    return None if account is None or account.deleted_at is not None else account


def make_token(tokens: Tokens, account_id: UUID, version: int, expires_at: datetime, serial: int | None = None) -> str:
    """Return the token of an activation link; one of before the serials has none."""
    claims: dict[str, object] = {"account": account_id.hex, "version": version}
    if serial is not None:
        claims["serial"] = serial
    return tokens.make(PURPOSE, claims, expires_at)


def _links(_session: Session, tokens: Tokens, mail: Mail) -> Links:
    if mail.account_id is None:
        raise NotFound
    expires_at = datetime.fromisoformat(mail.refs["expires_at"])
    token = make_token(tokens, mail.account_id, mail.refs["version"], expires_at, mail.refs.get("serial"))
    return {"activation": f"/activate/{token}"}


def _skip_reason(session: Session, mail: Mail, now: datetime) -> str | None:
    account = session.get(Account, mail.account_id)
    if account is None or account.deleted_at is not None:
        return "the account is deleted"
    if account.activated_at is not None:
        return "the account is already active"
    if account.email_version != mail.refs["version"]:
        return "the account's address has changed"
    if mail.refs.get("serial", account.activation_serial) != account.activation_serial:
        return "a newer link was sent"
    if now >= datetime.fromisoformat(mail.refs["expires_at"]):
        return "the link has expired"
    return None


def _refresh(_session: Session, _programmes: Programmes, _mail: Mail, now: datetime) -> Refreshed:
    """Give the link the lifetime of a new one."""
    expires_at = now + ACTIVATION_LIFETIME
    return Refreshed({"expires_at": expires_at}, {"expires_at": expires_at.isoformat()})


MAIL_RULES: Final = {TEMPLATE: MailRule(skip_reason=_skip_reason, links=_links, refresh=_refresh)}
