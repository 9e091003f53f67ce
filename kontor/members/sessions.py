"""Sessions of the portal: what a password or a link opened, and nothing else. Every time is real time."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.http.browsers import Browser, hash_secret
from kontor.kernel.ids import new_id
from kontor.kernel.validation import address_key
from kontor.members import queries
from kontor.programme import service as programme_service
from kontor.ui.portal_access import Access
from models.accounts import Account
from models.members import Member, MemberRole
from models.portal import PortalOpening, PortalSession

SESSION_LIFE: Final = timedelta(hours=12)
IDLE_LIFE: Final = timedelta(minutes=60)
PROOF_LIFE: Final = timedelta(minutes=10)
DEVICE_LIFE: Final = timedelta(days=30)
SEEN_STEP: Final = timedelta(minutes=1)
AGENT_LIMIT: Final = 400
STAFF: Final = "staff"
"""What people read of an operator (contract.md 7)."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a sign-in opens: accounts as their owner, and all memberships of an address.

    `by_product`: a link that the API made opened it, no person's password or factor. `by_operator`: the operator who
    enters.
    """

    accounts: tuple[Account, ...] = ()
    member_key: str | None = None
    by_link: bool = False
    by_reseller: bool = False
    by_product: bool = False
    by_operator: UUID | None = None

    @property
    def holders(self) -> tuple[str, ...]:
        """Who signs in, as devices remember it; an operator's own device is none of the account's."""
        if self.by_operator is not None:
            return ()
        member = () if self.member_key is None else (member_holder(self.member_key),)
        return (*(account_holder(account.id) for account in self.accounts), *member)


@dataclass(frozen=True, slots=True)
class NewPortalSession:
    """A new session; the secrets go into cookies and are not stored. `new_device`: it had not signed in for 30 days."""

    session: PortalSession
    secret: str = field(repr=False)
    device_secret: str = field(repr=False)
    new_device: bool = False


def account_holder(account_id: UUID) -> str:
    """Return how devices remember an account's owner."""
    return f"account:{account_id}"


def member_holder(email_key: str) -> str:
    """Return how devices remember a member."""
    return f"member:{email_key}"


def known_device_id(session: Session, browser: Browser, holders: Collection[str], now: datetime) -> UUID | None:
    """Return the id of the browser's device if it signed in as one of the holders within 30 days."""
    if not browser.device:
        return None
    device = queries.device_of(session, hash_secret(browser.device), holders, now - DEVICE_LIFE)
    return None if device is None else device.id


def open_session(
    session: Session,
    opened: Opened,
    browser: Browser,
    now: datetime,
    *,
    remembered: bool = False,
    proven: bool = True,
) -> NewPortalSession:
    """Open a session of 12 hours, of which 60 minutes may pass unused, and note the device; an operator's ends in 60.

    `remembered`: it lasts 30 days, all of which may pass unused. `proven`: by a password, a factor or a mailed link.
    """
    secret, device_secret = secrets.token_urlsafe(32), browser.device or secrets.token_urlsafe(32)
    new_device = known_device_id(session, browser, opened.holders, now) is None
    row = PortalSession(
        id=new_id(),
        secret_hash=hash_secret(secret),
        csrf=secrets.token_urlsafe(24),
        member_key=opened.member_key,
        member_credential=None if opened.member_key is None else member_credential(session, opened.member_key),
        account_id=None,
        by_link=opened.by_link,
        by_reseller=opened.by_reseller,
        by_operator=opened.by_operator,
        remembered=remembered,
        created_at=now,
        seen_at=now,
        expires_at=now + _life(opened, remembered=remembered),
        proven_at=now if proven else now - PROOF_LIFE,
        origin=browser.origin,
        agent=browser.agent[:AGENT_LIMIT],
    )
    session.add(row)
    session.flush()
    session.add_all(_opening(row.id, account) for account in opened.accounts)
    for holder in opened.holders:
        queries.remember_device(session, hash_secret(device_secret), holder, now)
    session.flush()
    return NewPortalSession(row, secret, device_secret, new_device)


def _opening(session_id: UUID, account: Account) -> PortalOpening:
    return PortalOpening(session_id=session_id, account_id=account.id, credential=credential_of(account))


def _life(opened: Opened, *, remembered: bool) -> timedelta:
    if opened.by_operator is not None:
        return IDLE_LIFE
    return DEVICE_LIFE if remembered else SESSION_LIFE


def credential_of(account: Account) -> str:
    """Return the digest of what opens an account as its owner now: its password, and its address."""
    return _digest(f"{account.password_hash or ''}\x00{account.email_version}")


def member_credential(session: Session, email_key: str) -> str:
    """Return the digest of what opens the memberships of an address now."""
    row = queries.password_of(session, email_key)
    return _digest("" if row is None else row.password_hash)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]


def find_session(
    session: Session, secret: str, now: datetime, *, used: bool = True
) -> tuple[PortalSession, Sequence[Access]] | None:
    """Return a live session and what it may act for; it is used from now on, unless a page asked by itself."""
    row, openings, digests = queries.opened_by_secret(session, hash_secret(secret))
    programme_service.remember_digests(session, digests)
    if row is None or not is_alive(row, now):
        return None
    if used and now - row.seen_at >= SEEN_STEP:
        row.seen_at = now
        session.flush()  # at once: a page that reads its rows afresh would forget it
    return row, _accesses(session, row, openings)


def is_alive(opened: PortalSession, now: datetime) -> bool:
    """Return whether a session has neither expired nor been idle for 60 minutes, on a remembered device 30 days."""
    return now < opened.expires_at and now < opened.seen_at + (DEVICE_LIFE if opened.remembered else IDLE_LIFE)


def is_proven(opened: PortalSession, now: datetime) -> bool:
    """Return whether password, factor or a mailed link were used within 10 minutes."""
    return now < opened.proven_at + PROOF_LIFE


def accesses(session: Session, opened: PortalSession) -> Sequence[Access]:
    """Return what a session may act for now: accounts whose password or address changed since are closed."""
    return _accesses(session, opened, queries.openings(session, opened.id))


def _accesses(session: Session, opened: PortalSession, openings: queries.Openings) -> Sequence[Access]:
    owned = [account for opening, account in openings if opening.credential == credential_of(account)]
    if opened.by_operator is not None:
        address = queries.active_operator(session, opened.by_operator)
        return [] if address is None else [entered(each, address) for each in owned if each.deleted_at is None]
    owners = [
        owner_access(account, by_reseller=opened.by_reseller or (account.password_by_reseller and not opened.by_link))
        for account in owned
        if account.deleted_at is None
    ]
    return [*owners, *_memberships(session, opened, {access.account.id for access in owners})]


def _memberships(session: Session, opened: PortalSession, owned: Collection[UUID]) -> list[Access]:
    key = opened.member_key
    if key is None or opened.member_credential != member_credential(session, key):
        return []
    members = [member for member in queries.confirmed_memberships(session, key) if member.account_id not in owned]
    accounts = queries.accounts_of(session, [member.account_id for member in members])
    return [
        member_access(accounts[member.account_id], member, by_reseller=opened.by_reseller)
        for member in members
        if accounts[member.account_id].deleted_at is None
    ]


def owner_access(account: Account, *, by_reseller: bool) -> Access:
    """Return what an owner may act for."""
    return Access(account, MemberRole.OWNER, account.id, account.name, account.admin_email, account.locale, by_reseller)


def entered(account: Account, operator: str) -> Access:
    """Return what an operator who entered may act for: what staff may, and no decision (portal.md 3)."""
    return Access(account, MemberRole.STAFF, account.id, STAFF, operator, account.locale, True, operator)


def member_access(account: Account, member: Member, *, by_reseller: bool) -> Access:
    """Return what a member may act for; one that the reseller invited is the reseller's."""
    theirs = by_reseller or member.by_reseller
    return Access(account, MemberRole(member.role), member.id, member.name, member.email, member.locale, theirs)


def keep(session: Session, opened: PortalSession, account: Account | None) -> None:
    """Let a session go on after it changed a password itself: an account's, or (None) the one as member."""
    if account is not None:
        opening = session.get(PortalOpening, (opened.id, account.id))
        if opening is not None:
            opening.credential = credential_of(account)
    elif opened.member_key is not None:
        opened.member_credential = member_credential(session, opened.member_key)
    session.flush()


def list_sessions(session: Session, account: Account | None, address: str, now: datetime) -> Sequence[PortalSession]:
    """Return the live sessions of an account's owner, without an account those of a member; the one used last first."""
    if account is None:
        key = address_key(address)
        opened_by = member_credential(session, key)
        rows = [row for row in queries.sessions_of_member(session, key) if row.member_credential == opened_by]
    else:
        opened_by = credential_of(account)
        rows = [row for row, credential in queries.sessions_of_account(session, account.id) if credential == opened_by]
    return [row for row in rows if is_alive(row, now)]


def sign_out(session: Session, secret: str) -> None:
    """End a session; an unknown one is ignored."""
    row = queries.session_by_secret(session, hash_secret(secret))
    if row is not None:
        session.delete(row)
        session.flush()
