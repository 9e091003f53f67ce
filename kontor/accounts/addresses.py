"""Admin addresses: who set them, who confirmed them, and from when decisions count (programme.md 2.4, 5.8)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.http.keys import Principal
from kontor.kernel.errors import Conflict
from kontor.kernel.validation import address_key
from models.accounts import Account, AdminAddress, SetBy
from models.keys import Scope

WAIT: Final = timedelta(hours=24)


def setter_of(caller: Principal, account: Account) -> SetBy:
    """Return as whom a key changes an account: one that its reseller made counts as the reseller."""
    if caller.reseller_id is not None:
        return SetBy.CLIENT if caller.reseller_id == account.id else SetBy.RESELLER
    if caller.account_id is None:
        return SetBy.OPERATOR
    return SetBy.CLIENT if caller.has_scope(Scope.DECIDE) else SetBy.RESELLER


def waits_until(address: AdminAddress) -> datetime | None:
    """Return from when an address may decide once it is confirmed; None if it needs no confirmation.

    Only an address that a reseller put in place of another one does; in place of its own, confirmation is enough.
    """
    if address.set_by != SetBy.RESELLER or address.replaced is None:
        return None
    return address.set_at if address.handed_over else address.set_at + WAIT


def may_decide(address: AdminAddress | None, now: datetime) -> bool:
    """Return whether an address may decide; one of before the history (None) may."""
    since = None if address is None else waits_until(address)
    return address is None or since is None or (address.confirmed_at is not None and now >= since)


def require_deciding(session: Session, account: Account, now: datetime) -> None:
    """Raise Conflict(`address_unconfirmed`, with `from`) unless the admin address may decide."""
    address = current(session, account)
    if address is None or may_decide(address, now):
        return
    since = waits_until(address)
    assert since is not None
    instant = since.isoformat().replace("+00:00", "Z")
    message = f"The admin address was changed by the reseller: it decides once it is confirmed, from {instant} on."
    raise Conflict("address_unconfirmed", message, **{"from": instant})


def record_first(session: Session, account: Account, set_by: SetBy, now: datetime) -> None:
    """Record the address that a new account begins with."""
    session.add(_row(account, None, set_by, now))


def record_change(session: Session, account: Account, former: str, set_by: SetBy, now: datetime) -> AdminAddress:
    """Record the address that an account has now, in place of `former`; its row is locked and has the new version."""
    row = _row(account, former, set_by, now)
    row.handed_over = set_by is SetBy.RESELLER and _was_the_resellers_own(session, account, former)
    session.add(row)
    session.flush()
    return row


def _row(account: Account, replaced: str | None, set_by: SetBy, now: datetime) -> AdminAddress:
    return AdminAddress(
        account_id=account.id,
        version=account.email_version,
        address=account.admin_email,
        replaced=replaced,
        set_by=set_by.value,
        set_at=now,
        handed_over=False,
    )


def _was_the_resellers_own(session: Session, account: Account, former: str) -> bool:
    """Return whether the replaced address was the reseller's before it became the account's, and nobody's between.

    Otherwise a reseller would put its own address in place of the client's, or take the client's as its own, and
    hand the account over to a mailbox of its own.
    """
    reseller = None if account.reseller_id is None else session.get(Account, account.reseller_id)
    if reseller is None or reseller.email_key != address_key(former):
        return False
    before = session.get(AdminAddress, (account.id, account.email_version - 1))
    if before is not None and waits_until(before) is not None and not before.handed_over:
        return False
    own = current(session, reseller)
    own_since = reseller.created_at if own is None else own.set_at
    return own_since <= (account.created_at if before is None else before.set_at)


def current(session: Session, account: Account) -> AdminAddress | None:
    """Return the account's admin address with its history; None if it was set before there was one."""
    return session.get(AdminAddress, (account.id, account.email_version))


def confirm(session: Session, account: Account, now: datetime) -> AdminAddress | None:
    """Record that the owner of the admin address used a link sent to it; the first use counts."""
    address = current(session, account)
    if address is not None and address.confirmed_at is None:
        address.confirmed_at = now
        session.flush()
    return address


def require_owned(session: Session, account: Account) -> None:
    """Raise Conflict(`own_address_unconfirmed`) unless the admin address was confirmed, or an operator set it.

    By the portal nobody else becomes a reseller or makes clients, whatever a password opened (portal.md 2).
    """
    address = current(session, account)
    if address is None or address.confirmed_at is not None or address.set_by in {SetBy.OPERATOR, SetBy.SHELL}:
        return
    raise Conflict("own_address_unconfirmed", "The account's own admin address is not confirmed yet.")


def contested(session: Session, account: Account) -> AdminAddress | None:
    """Return the change of address that somebody objected to and no operator has settled; None without one."""
    query = (
        select(AdminAddress)
        .where(AdminAddress.account_id == account.id, AdminAddress.objected_at.is_not(None))
        .where(AdminAddress.freed_at.is_(None))
        .order_by(AdminAddress.version.desc())
        .limit(1)
    )
    return session.scalar(query)
