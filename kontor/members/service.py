"""Members of an account: listed with its owner, added, changed and removed (portal.md 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import addresses
from kontor.accounts import service as accounts
from kontor.accounts.locks import lock_account
from kontor.context import Context
from kontor.kernel import database
from kontor.kernel.errors import Conflict, FieldError, Invalid, NotFound
from kontor.kernel.ids import new_id
from kontor.kernel.paging import Page, cursor_id, paginate
from kontor.kernel.validation import InvalidText, account_name, address_key, email_address
from kontor.members import invitations, queries
from models.accounts import Account
from models.members import Member, MemberRole

ROLES: Final = (MemberRole.STAFF, MemberRole.VIEWER)
ROLE_REFUSED: Final = "must be staff or viewer; the owner is the account's admin"


@dataclass(frozen=True, slots=True)
class Person:
    """A member as seen from outside; the owner's `id` is that of the account."""

    id: UUID
    email: str
    name: str
    locale: str
    role: MemberRole
    confirmed: bool


@dataclass(frozen=True, slots=True)
class NewMember:
    """Input for a new member; without a name the address, without a locale the account's.

    `by_reseller`: the account's reseller makes it, so that it decides nothing (programme.md 5.8).
    """

    email: str
    role: str
    name: str | None = None
    locale: str | None = None
    by_reseller: bool = False


class OwnerFixed(Conflict):
    """The owner is the account's admin; the account's own fields say who that is."""

    def __init__(self) -> None:
        super().__init__("owner_fixed", "The owner is the account's admin: change admin_email instead.")


def owner_of(session: Session, account: Account) -> Person:
    """Return the owner of an account: its admin."""
    address = addresses.current(session, account)
    confirmed = account.activated_at is not None if address is None else address.confirmed_at is not None
    return Person(account.id, account.admin_email, account.name, account.locale, MemberRole.OWNER, confirmed)


def person_of(member: Member) -> Person:
    """Return a member as seen from outside."""
    role, confirmed = MemberRole(member.role), member.confirmed_at is not None
    return Person(member.id, member.email, member.name, member.locale, role, confirmed)


def page(session: Session, account_id: UUID, cursor: str | None = None, limit: int = 100) -> Page[Person]:
    """Return the owner, then the members, oldest first. Raises NotFound, Invalid."""
    account, after = accounts.get(session, account_id), cursor_id(cursor)
    owner = [] if after is not None else [owner_of(session, account)]
    members = queries.of_account(session, account.id, after, limit + 1)
    return paginate([*owner, *map(person_of, members)], limit, lambda person: str(person.id))


def add(ctx: Context, session: Session, account_id: UUID, new: NewMember) -> Member:
    """Add a member and mail an invitation to the address, which works for 72 hours.

    Raises NotFound, Conflict(`member_exists`, `account_deleted`), Invalid, LimitReached.
    """
    account = lock_account(session, account_id)
    fields = _checked({"email": new.email, "role": new.role, "name": new.name, "locale": new.locale})
    key = address_key(fields["email"])
    database.lock_names(session, f"member:{key}")
    if key == account.email_key or queries.by_address(session, account.id, key) is not None:
        raise Conflict("member_exists", "This address is a member already.")
    member = Member(
        id=new_id(),
        account_id=account.id,
        email=fields["email"],
        email_key=key,
        name=fields.get("name", fields["email"]),
        locale=fields.get("locale", account.locale),
        role=fields["role"],
        by_reseller=new.by_reseller,
        invitation_serial=0,
        created_at=ctx.now,
    )
    session.add(member)
    session.flush()
    invitations.send(ctx, session, account, member)
    return member


def change(session: Session, account_id: UUID, member_id: UUID, changes: Mapping[str, str | None]) -> Member:
    """Change name, locale or role of a member; None leaves a field unchanged.

    Raises NotFound, Conflict(`owner_fixed`, `account_deleted`), Invalid.
    """
    member = locked_member(session, account_id, member_id)
    fields = _checked(changes)
    member.name = fields.get("name", member.name)
    member.locale = fields.get("locale", member.locale)
    member.role = fields.get("role", member.role)
    session.flush()
    return member


def remove(session: Session, account_id: UUID, member_id: UUID) -> Person:
    """Remove a member: its sessions and links end with it. Raises NotFound, Conflict(`owner_fixed`)."""
    member = locked_member(session, account_id, member_id)
    removed = person_of(member)
    database.lock_names(session, f"member:{member.email_key}")
    session.delete(member)
    session.flush()
    queries.delete_password_without_members(session, member.email_key)
    return removed


def locked_member(session: Session, account_id: UUID, member_id: UUID) -> Member:
    """Lock the account and return one of its members. Raises NotFound, Conflict(`owner_fixed`, `account_deleted`)."""
    account = lock_account(session, account_id)
    if member_id == account.id:
        raise OwnerFixed
    member = queries.by_id(session, member_id, lock=True)
    if member is None or member.account_id != account.id:
        raise NotFound(message="There is no such member.")
    return member


def _checked(fields: Mapping[str, str | None]) -> dict[str, str]:
    """Return the fields that are given, in stored form. Raises Invalid with every invalid field."""
    checks = {"email": email_address, "name": account_name, "locale": accounts.normalize_locale, "role": _role}
    values: dict[str, str] = {}
    errors: list[FieldError] = []
    for name, text in fields.items():
        if text is None:
            continue
        try:
            values[name] = checks[name](text)
        except (InvalidText, ValueError) as error:
            errors.append(FieldError(name, str(error)))
    if errors:
        raise Invalid(message="The member is not valid.", errors=errors)
    return values


def _role(text: str) -> str:
    if text not in ROLES:
        raise ValueError(ROLE_REFUSED)
    return text
