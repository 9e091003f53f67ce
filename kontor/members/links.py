"""Links that sign in once: mailed on request (15 minutes), or made over the API for a product (5 minutes)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import addresses
from kontor.accounts import service as accounts
from kontor.context import Context
from kontor.kernel.errors import FieldError, Gone, Invalid, NotFound
from kontor.kernel.ids import new_id
from kontor.kernel.limits import SIGN_IN_LINKS
from kontor.kernel.tokens import Tokens
from kontor.kernel.validation import address_key
from kontor.limits import service as limits
from kontor.mails import service as mails
from kontor.mails import strangers
from kontor.mails.service import Links, MailRule
from kontor.members import queries
from kontor.members.sessions import Opened, member_access, owner_access
from kontor.members.sign_in import Identified, Served
from kontor.ui.portal_access import Access
from models.accounts import Account
from models.mails import Mail
from models.members import Member
from models.portal import PortalLink

TEMPLATE: Final = "sign-in-link"
PURPOSE: Final = "sign-in"
MAIL_LIFE: Final = timedelta(minutes=15)
SESSION_LIFE: Final = timedelta(minutes=5)
EMBED_PURPOSE: Final = "embed"
EMBED_LIFE: Final = timedelta(minutes=60)
LONGEST_PATH: Final = 500


@dataclass(frozen=True, slots=True)
class SignInLink:
    """A link that works: whose it is, and where it leads."""

    row: PortalLink
    account: Account
    member: Member | None


class SpentLink(Gone):
    """A link that was used or is too old; `path` is where it would have led."""

    def __init__(self, path: str) -> None:
        super().__init__("expired", "This link was used or has expired.")
        self.path = path


class EmbedExpired(Gone):
    """A link of an embedded page that is too old, or whose account or person has changed."""

    def __init__(self, account: Account) -> None:
        super().__init__("expired", "This page has expired.")
        self.account = account


def request(ctx: Context, session: Session, who: Identified, served: Served, path: str) -> None:
    """Mail a link to each owner and member whom an identifier means; nothing tells whether there is any."""
    for account, member in _addressees(session, who, served):
        address = account.admin_email if member is None else member.email
        subject = limits.of_address(address)
        if limits.time_to_next(session, SIGN_IN_LINKS, subject, ctx.now, account.reseller_id) is not None:
            continue
        limits.count(session, SIGN_IN_LINKS, subject, ctx.now)
        row = make(ctx, session, account, member, path, MAIL_LIFE)
        mails.post(
            session,
            ctx.jobs,
            template=TEMPLATE,
            account=account,
            to=address,
            locale=account.locale if member is None else member.locale,
            facts={"account": account.name, "expires_at": row.expires_at},
            fact_key=row.id.hex,
            refs={"link_id": str(row.id), "expires_at": row.expires_at.isoformat()},
        )


def _addressees(session: Session, who: Identified, served: Served) -> Iterator[tuple[Account, Member | None]]:
    for account in who.accounts:
        yield account, None
    members = queries.confirmed_memberships(session, who.key)
    by_id = queries.accounts_of(session, [member.account_id for member in members])
    for member in members:
        account = by_id[member.account_id]
        if account.deleted_at is None and served(account):
            yield account, member
            return


def make(
    ctx: Context,
    session: Session,
    account: Account,
    member: Member | None,
    path: str,
    life: timedelta,
    *,
    by_reseller: bool = False,
    by_operator: UUID | None = None,
) -> PortalLink:
    """Make a link to a path of the portal; one for its reseller or an operator decides nothing. Raises Invalid."""
    if len(path) > LONGEST_PATH:
        raise Invalid(errors=[FieldError("path", f"must not be longer than {LONGEST_PATH} characters")])
    row = PortalLink(
        id=new_id(),
        account_id=account.id,
        member_id=None if member is None else member.id,
        email_version=account.email_version,
        path=path,
        by_reseller=by_reseller,
        by_operator=by_operator,
        created_at=ctx.now,
        expires_at=ctx.now + life,
        used_at=None,
    )
    session.add(row)
    session.flush()
    return row


def peek(ctx: Context, session: Session, tokens: Tokens, token: str, *, lock: bool = False) -> SignInLink:
    """Return a link that works; changes nothing. Raises NotFound (forged), SpentLink."""
    claims = tokens.read_expired(PURPOSE, token)
    row = queries.link_by_id(session, UUID(claims["link"]), lock=lock)
    if row is None:
        raise SpentLink("")
    account = accounts.find(session, row.account_id)
    member = None if row.member_id is None else queries.by_id(session, row.member_id)
    if row.used_at is not None or ctx.now >= row.expires_at or account is None or account.deleted_at is not None:
        raise SpentLink(row.path)
    if member is None and (row.member_id is not None or row.email_version != account.email_version):
        raise SpentLink(row.path)
    return SignInLink(row, account, member)


def use(ctx: Context, session: Session, tokens: Tokens, token: str) -> tuple[Opened, PortalLink]:
    """Use a link up; a mailed one confirms the address. Raises NotFound, SpentLink."""
    link = peek(ctx, session, tokens, token, lock=True)
    row, account, member = link.row, link.account, link.member
    row.used_at = ctx.now
    if row.by_operator is not None:
        session.flush()
        return Opened((account,), None, by_link=True, by_product=True, by_operator=row.by_operator), row
    mailed = row.expires_at - row.created_at == MAIL_LIFE
    if mailed and member is None:
        addresses.confirm(session, account, ctx.now)
        strangers.confirm(session, account, ctx.now)
    if member is None:
        if not row.by_reseller:
            account.activated_at = account.activated_at or ctx.now
        session.flush()
        return Opened((account,), None, by_link=True, by_product=not mailed, by_reseller=row.by_reseller), row
    session.flush()
    return Opened((), member.email_key, by_link=True, by_product=not mailed, by_reseller=row.by_reseller), row


def peek_embed(session: Session, tokens: Tokens, token: str, now: datetime) -> Access:
    """Return who an embedded page is for. Raises NotFound (forged, or the account is gone), EmbedExpired."""
    claims = tokens.read_expired(EMBED_PURPOSE, token)
    row = queries.link_by_id(session, UUID(claims["link"]))
    account = None if row is None else accounts.find(session, row.account_id)
    if row is None or account is None or account.deleted_at is not None:
        raise NotFound("unknown_token", "This link is not valid.")
    if now >= row.expires_at:
        raise EmbedExpired(account)
    if row.member_id is None:
        if row.email_version != account.email_version:
            raise EmbedExpired(account)
        return owner_access(account, by_reseller=row.by_reseller)
    member = queries.by_id(session, row.member_id)
    if member is None:
        raise EmbedExpired(account)
    return member_access(account, member, by_reseller=row.by_reseller)


def embed_path_of(tokens: Tokens, row: PortalLink) -> str:
    """Return the path of the updates in a frame, for as long as the link lives."""
    return f"/embed/{tokens.make(EMBED_PURPOSE, {'link': row.id.hex}, row.expires_at)}"


def token_of(tokens: Tokens, row_id: UUID, expires_at: datetime) -> str:
    """Return the token of a link."""
    return tokens.make(PURPOSE, {"link": row_id.hex}, expires_at)


def path_of(tokens: Tokens, row_id: UUID, expires_at: datetime) -> str:
    """Return the path of a link that signs in."""
    return f"/sign-in/{token_of(tokens, row_id, expires_at)}"


def member_named(session: Session, account: Account, text: str) -> Member | None:
    """Return the member of an account with an id or address; None for the owner's. Raises NotFound."""
    if text == str(account.id) or address_key(text) == account.email_key:
        return None
    try:
        member = queries.by_id(session, UUID(text))
    except ValueError:
        member = queries.by_address(session, account.id, address_key(text))
    if member is None or member.account_id != account.id or member.confirmed_at is None:
        raise NotFound(message="There is no such member.")
    return member


def _links(_session: Session, tokens: Tokens, mail: Mail) -> Links:
    expires_at = datetime.fromisoformat(mail.refs["expires_at"])
    return {"page": path_of(tokens, UUID(str(mail.refs["link_id"])), expires_at)}


def _skip_reason(_session: Session, mail: Mail, now: datetime) -> str | None:
    return "the link has expired" if now >= datetime.fromisoformat(mail.refs["expires_at"]) else None


MAIL_RULES: Final = {TEMPLATE: MailRule(skip_reason=_skip_reason, links=_links)}
