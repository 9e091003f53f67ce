"""Signing in to the portal by account name or address, and password; changing the password (portal.md 2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.http.browsers import Browser
from kontor.http.sign_in_limits import Attempted, FailureLimit, SignInTimes
from kontor.kernel.ports import validate_password
from kontor.kernel.validation import address_key, name_key
from kontor.members import queries, sessions
from kontor.members.sessions import Opened
from kontor.ui.portal_access import Access
from models.accounts import Account
from models.members import MemberRole
from models.portal import PortalSession

REFUSED: Final = "portal.refused"
KEY_LIMIT: Final = 320
MOST_ACCOUNTS: Final = 20
"""Accounts with one admin address that are tried in one attempt."""

Served = Callable[[Account], bool]
"""Whether the host that was asked has an account's pages."""


@dataclass(frozen=True, slots=True)
class Identified:
    """Whom an identifier may mean: accounts by name or admin address, and an address as member."""

    key: str
    accounts: Sequence[Account]

    @property
    def holders(self) -> tuple[str, ...]:
        """Who may sign in with it, as devices remember it."""
        owners = (sessions.account_holder(account.id) for account in self.accounts)
        return (*owners, sessions.member_holder(self.key))


def identified(session: Session, identifier: str, served: Served) -> Identified:
    """Return whom an identifier may mean on a host; accepts any input."""
    typed, key = _typed(identifier), key_of(identifier)
    named = queries.accounts_named(session, name_key(typed), key, MOST_ACCOUNTS)
    return Identified(key, [account for account in named if served(account)])


def key_of(identifier: str) -> str:
    """Return the key under which failures with an identifier are counted; accepts any input."""
    return address_key(_typed(identifier))


def _typed(identifier: str) -> str:
    return identifier.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8").strip()[:KEY_LIMIT]


def limit_for(session: Session, who: Identified, browser: Browser, times: SignInTimes) -> FailureLimit:
    """Return the limit of failed sign-ins with an identifier; a device that signed in has a count of its own."""
    return limit_of_key(session, who.key, who.holders, browser, times)


def limit_of_key(
    session: Session, key: str, holders: Sequence[str], browser: Browser, times: SignInTimes
) -> FailureLimit:
    """Return the limit of failed sign-ins under a key, which is that of the identifier or of an address."""
    device_id = sessions.known_device_id(session, browser, holders, times.wall_time)
    return FailureLimit(session, Attempted(f"portal:{key}", browser.origin, device_id, REFUSED), times)


def attempt(
    ctx: Context,
    session: Session,
    identifier: str,
    password: str,
    served: Served,
    browser: Browser,
    times: SignInTimes,
) -> Opened | None:
    """Return what the password opens, both of accounts and of memberships; None for a wrong one.

    A wrong one is recorded: commit before responding. Raises TooManyAttempts, also for the right password.
    """
    who = identified(session, identifier, served)
    limit = limit_for(session, who, browser, times)
    limit.check()
    opened = _opened(ctx, session, who, password, served)
    if opened is None:
        limit.record()
        return None
    for account in opened.accounts:
        if not account.password_by_reseller:
            account.activated_at = account.activated_at or ctx.now
    return opened


def _opened(ctx: Context, session: Session, who: Identified, password: str, served: Served) -> Opened | None:
    """Try the password of each account and that of the address as member; an unknown one takes as long as a wrong."""
    verify = ctx.passwords.verify
    owned = tuple(account for account in who.accounts if verify(account.password_hash, password))
    if not who.accounts:
        verify(None, password)
    stored = queries.password_of(session, who.key)
    matches = verify(None if stored is None else stored.password_hash, password)
    member_key = who.key if matches and _has_membership(session, who.key, served) else None
    return Opened(owned, member_key) if owned or member_key else None


def _has_membership(session: Session, email_key: str, served: Served) -> bool:
    members = queries.confirmed_memberships(session, email_key)
    accounts = queries.accounts_of(session, [member.account_id for member in members])
    return any(account.deleted_at is None and served(account) for account in accounts.values())


def change_account_password(ctx: Context, session: Session, opened: PortalSession, access: Access, new: str) -> None:
    """Replace an account's password: its other sessions end, those of other accounts go on. Raises Invalid."""
    account = access.account
    account.password_hash = ctx.passwords.hash(validate_password(new, "new_password"))
    account.password_by_reseller = access.by_reseller
    session.flush()
    sessions.keep(session, opened, account)


def change_member_password(ctx: Context, session: Session, opened: PortalSession, new: str) -> None:
    """Replace the password of an address as member: its other sessions end. Raises Invalid."""
    assert opened.member_key is not None
    digest = ctx.passwords.hash(validate_password(new, "new_password"))
    queries.put_password(session, opened.member_key, digest, ctx.now)
    sessions.keep(session, opened, None)


def is_password(ctx: Context, session: Session, access: Access, password: str) -> bool:
    """Return whether it is the password that opens an access: an owner's is the account's, a member's the address's."""
    if access.role is MemberRole.OWNER:
        return ctx.passwords.verify(access.account.password_hash, password)
    return is_member_password(ctx, session, access.email, password)


def is_member_password(ctx: Context, session: Session, address: str, password: str) -> bool:
    """Return whether it is the password of an address as member."""
    stored = queries.password_of(session, address_key(address))
    return ctx.passwords.verify(None if stored is None else stored.password_hash, password)
