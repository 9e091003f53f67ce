"""Links to a changed admin address and to the one before it, and the mails that bring them (programme.md 2.4, 5.8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import addresses, queries
from kontor.context import Context
from kontor.kernel.errors import Gone, NotFound
from kontor.kernel.tokens import Tokens
from kontor.mails import service as mails
from kontor.mails.service import Links, MailRule
from models.accounts import Account, AdminAddress, SetBy
from models.mails import Mail

TEMPLATE: Final = "address-changed"
LIFETIME: Final = timedelta(days=30)


class AddressRole(StrEnum):
    """To which address a mail about a change goes, and so what its link does: confirm, or object."""

    NEW = "new"
    OLD = "old"


PAGES: Final = {AddressRole.NEW: "confirm", AddressRole.OLD: "object"}


@dataclass(frozen=True, slots=True)
class AddressLink:
    """What a link is about: the account and the change of its address."""

    account: Account
    address: AdminAddress


def may_be_contested(address: AdminAddress) -> bool:
    """Return whether the owner of the former address may object: it was neither the reseller nor asked."""
    return address.set_by == SetBy.RESELLER and address.replaced is not None and not address.handed_over


def mail_change(ctx: Context, session: Session, account: Account, address: AdminAddress) -> None:
    """Mail the former address, which may object, and the new one, which is asked to confirm."""
    facts = {
        "account": account.name,
        "old_address": address.replaced,
        "new_address": address.address,
        "changed_at": ctx.now,
    }
    since = addresses.waits_until(address)
    facts_by_role: dict[AddressRole, dict[str, object]] = {
        AddressRole.OLD: {"objection": may_be_contested(address)},
        AddressRole.NEW: {"decides_from": since if since is not None and since > ctx.now else None},
    }
    for role, more in facts_by_role.items():
        mails.post(
            session,
            ctx.jobs,
            template=TEMPLATE,
            account=account,
            facts={**facts, "role": role.value, **more},
            fact_key=f"{address.version}:{role.value}",
            to=address.replaced if role is AddressRole.OLD else address.address,
            refs={
                "role": role.value,
                "version": address.version,
                "expires_at": (ctx.now + LIFETIME).isoformat(),
            },
        )


def make_token(tokens: Tokens, role: AddressRole, account_id: UUID, version: int, expires_at: datetime) -> str:
    """Return the token of a link to the new or the old address."""
    return tokens.make(PAGES[role], {"account": account_id.hex, "version": version}, expires_at)


def resolve(
    ctx: Context, session: Session, tokens: Tokens, role: AddressRole, token: str, *, lock: bool = False
) -> AddressLink:
    """Return what a link is about. Raises NotFound (forged), Gone (expired, `account_deleted`)."""
    claims = tokens.read(PAGES[role], token, ctx.now)
    account = queries.by_id(session, UUID(claims["account"]), lock=lock)
    address = None if account is None else session.get(AdminAddress, (account.id, claims["version"]))
    if account is None or address is None:
        raise NotFound("unknown_token", "This link is not valid.")
    if account.deleted_at is not None:
        raise Gone("account_deleted", "The account was deleted.")
    return AddressLink(account, address)


def peek_confirmation(ctx: Context, session: Session, tokens: Tokens, token: str) -> AddressLink:
    """Return what a confirmation link is about; changes nothing. Raises NotFound, Gone (also `address_changed`)."""
    return _confirmable(resolve(ctx, session, tokens, AddressRole.NEW, token))


def confirm(ctx: Context, session: Session, tokens: Tokens, token: str) -> AddressLink:
    """Confirm the address by the link sent to it; a repeat changes nothing. Raises NotFound, Gone."""
    link = _confirmable(resolve(ctx, session, tokens, AddressRole.NEW, token, lock=True))
    addresses.confirm(session, link.account, ctx.now)
    return link


def _confirmable(link: AddressLink) -> AddressLink:
    if link.address.version != link.account.email_version:
        raise Gone("address_changed", "The account's address has changed.")
    return link


def _links(_session: Session, tokens: Tokens, mail: Mail) -> Links:
    """Return the link of the mail's role; a mail of before the links has none to offer."""
    if mail.account_id is None or "role" not in mail.refs:
        return {"page": "/confirm/link-of-an-older-release"}
    role = AddressRole(mail.refs["role"])
    expires_at = datetime.fromisoformat(mail.refs["expires_at"])
    token = make_token(tokens, role, mail.account_id, mail.refs["version"], expires_at)
    return {"page": f"/{PAGES[role]}/{token}"}


MAIL_RULES: Final = {TEMPLATE: MailRule(links=_links)}
