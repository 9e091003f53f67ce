"""Create, read and change accounts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypedDict, cast
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import activation, address_links, addresses, labels, queries, suspension
from kontor.accounts.labels import NOTHING, Labels
from kontor.accounts.locks import lock_account
from kontor.accounts.suspension import SYSTEM, Suspender
from kontor.context import Context
from kontor.kernel import database
from kontor.kernel.errors import Conflict, FieldError, Invalid, NotFound
from kontor.kernel.ids import new_id
from kontor.kernel.limits import ADDRESS_CHANGES
from kontor.kernel.looks import looks_key
from kontor.kernel.ports import validate_password
from kontor.kernel.validation import NAME_LIMIT, account_name, address_key, email_address, https_url, name_key
from kontor.kernel.zones import zone
from kontor.limits import service as limits
from kontor.webhooks import events
from models.accounts import Account, AccountKind, Party, SetBy

PATCHABLE: Final = frozenset({"name", "admin_email", "password", "locale", "timezone", "suspended", "home_url"})


@dataclass(frozen=True, slots=True)
class NewAccount:
    """Input for a new account; None means the programme's default, or none."""

    programme: str
    name: str
    admin_email: str
    password: str | None = None
    party: str | None = None
    locale: str | None = None
    timezone: str | None = None

    def fields(self) -> dict[str, object]:
        """Return the fields that are set, without the programme."""
        values = {
            "name": self.name,
            "admin_email": self.admin_email,
            "password": self.password,
            "party": self.party,
            "locale": self.locale,
            "timezone": self.timezone,
        }
        return {name: value for name, value in values.items() if value is not None}


def create(
    ctx: Context,
    session: Session,
    new: NewAccount,
    reseller_id: UUID | None = None,
    set_by: SetBy = SetBy.OPERATOR,
) -> Account:
    """Create an account on the free plan, a client if it has a reseller. Sends no mail.

    Raises Invalid (every invalid field, `unknown_programme`), Conflict(`name_taken`).
    """
    values = _values_of(ctx, session, new, reseller_id)
    database.lock_names(session, name_lock(str(values["looks_key"])))
    _refuse_taken(session, str(values["name"]))
    account = queries.add(session, values)
    if account is None:
        raise NameTaken
    addresses.record_first(session, account, set_by, ctx.now)
    event_data = {"account_id": str(account.id), "name": account.name, "kind": account.kind}
    events.emit(session, ctx.jobs, "account.created", account, event_data, at=ctx.now)
    return account


def _values_of(ctx: Context, session: Session, new: NewAccount, reseller_id: UUID | None) -> dict[str, object]:
    """Return the columns of a new account. Raises as `create` does."""
    programme = ctx.programmes.current(session, new.programme)
    _refuse_taken(session, new.name)
    fields = validate_account_fields(new.fields())
    return {
        "id": new_id(),
        "programme": new.programme,
        "name": fields["name"],
        "name_key": name_key(fields["name"]),
        "looks_key": looks_key(fields["name"]),
        "kind": (AccountKind.CLIENT if reseller_id else AccountKind.REGULAR).value,
        "party": fields.get("party", Party.COMPANY.value),
        "reseller_id": reseller_id,
        "admin_email": fields["admin_email"],
        "email_key": address_key(fields["admin_email"]),
        "password_hash": ctx.passwords.hash(fields["password"]) if fields.get("password") else None,
        "locale": fields.get("locale", programme.locale.value),
        "timezone": fields.get("timezone", programme.timezone),
        "plan": programme.free_plan.code,
        "created_at": ctx.now,
    }


class NameTaken(Conflict):
    """A name that looks like another account's, which the error never names."""

    def __init__(self) -> None:
        super().__init__("name_taken", "The name looks like a name that is taken.")


def _refuse_taken(session: Session, name: object, excluding: UUID | None = None) -> None:
    """Raise NameTaken for a name that looks like another account's, invalid as it may be in other ways."""
    if isinstance(name, str) and queries.name_taken(session, searchable(name), excluding=excluding):
        raise NameTaken


def searchable(name: str) -> str:
    """Return the key of any input, as PostgreSQL can hold it."""
    return looks_key(name[: 2 * NAME_LIMIT].replace("\x00", "").encode("utf-8", "replace").decode())


def name_lock(looks: str) -> str:
    """Return the lock that whoever gives a name holds, by how the name looks."""
    return f"account:{looks}"


def get(session: Session, account_id: UUID) -> Account:
    """Return one account; deleted but restorable ones are included. Raises NotFound."""
    account = queries.by_id(session, account_id)
    if account is None:
        raise NotFound(message="There is no such account.")
    return account


def find(session: Session, account_id: UUID, *, lock: bool = False, share: bool = False) -> Account | None:
    """Return an account or None, locked or share-locked on request."""
    return queries.by_id(session, account_id, lock=lock, share=share)


def named(session: Session, name: str) -> Account | None:
    """Return the account with a name, in any capitals."""
    return queries.by_name(session, name_key(name))


def change(
    ctx: Context,
    session: Session,
    account_id: UUID,
    changes: Mapping[str, object],
    by: Suspender = SYSTEM,
    set_by: SetBy = SetBy.OPERATOR,
    named: Labels = NOTHING,
) -> Account:
    """Change the given fields (of PATCHABLE); None leaves a field unchanged. `by` suspends and resumes it alone.

    Raises NotFound, Conflict(`name_taken`, `account_deleted`), Invalid, Forbidden, LimitReached.
    """
    account = lock_account(session, account_id)
    before = labels.noted(account)
    if changes.get("name") != account.name:
        _refuse_taken(session, changes.get("name"), account.id)
    fields = validate_account_fields({name: changes[name] for name in changes if changes[name] is not None})
    if "name" in fields:
        _rename(session, account, fields["name"])
    if "password" in fields:
        account.password_hash = ctx.passwords.hash(fields["password"])
        account.password_by_reseller = set_by is SetBy.RESELLER
    account.locale = fields.get("locale", account.locale)
    account.timezone = fields.get("timezone", account.timezone)
    if "home_url" in fields:
        account.home_url = fields["home_url"] or None
    if "admin_email" in fields:
        _change_admin_address(ctx, session, account, fields["admin_email"], set_by)
    if "suspended" in fields:
        act = suspension.suspend if fields["suspended"] else suspension.resume
        act(ctx.jobs, session, account.id, by, ctx.now)
    labels.put(session, account, named)
    session.flush()
    labels.emit_updated(ctx, session, account, before)
    return account


def _rename(session: Session, account: Account, name: str) -> None:
    if name == account.name:
        return
    looks = looks_key(name)
    database.lock_names(session, name_lock(looks))
    _refuse_taken(session, name, account.id)
    account.looks_key, account.looks_clash = looks, False
    account.name, account.name_key = name, name_key(name)


def _change_admin_address(ctx: Context, session: Session, account: Account, address: str, set_by: SetBy) -> None:
    """Change the admin address, notify both addresses, invalidate links sent to the old one (programme.md 2.4)."""
    old_address, email_key = account.admin_email, address_key(address)
    account.admin_email = address
    if email_key == account.email_key:
        return
    limits.take(session, ADDRESS_CHANGES, str(account.id), ctx.now, account.reseller_id)
    activates = account.activated_at is None and account.kind == AccountKind.CLIENT
    if activates:
        activation.require_activation_mail(ctx, session, address, account.reseller_id)
    account.email_key = email_key
    account.email_version += 1
    session.flush()
    changed = addresses.record_change(session, account, old_address, set_by, ctx.now)
    address_links.mail_change(ctx, session, account, changed)
    if activates:
        activation.mail_link(ctx, session, account)


LOCALE: Final = re.compile(r"([A-Za-z]{2,3})((?:[-_][A-Za-z0-9]{2,8}){0,3})", re.ASCII)


class AccountFields(TypedDict, total=False):
    """Validated fields of an account, in stored form."""

    name: str
    admin_email: str
    password: str
    party: str
    locale: str
    timezone: str
    suspended: bool
    home_url: str


def validate_account_fields(fields: Mapping[str, object]) -> AccountFields:
    """Validate fields and return them in stored form. Raises Invalid with every invalid field."""
    errors: list[FieldError] = []
    values: dict[str, str | bool] = {}
    for name, value in fields.items():
        try:
            values[name] = ACCOUNT_CHECKS[name](value)
        except KeyError:
            errors.append(FieldError(name, "There is no such field."))
        except ValueError as error:
            errors.append(FieldError(name, str(error)))
        except Invalid as error:
            errors.extend(error.errors)
    if errors:
        raise Invalid("invalid", "The account is not valid.", errors=errors)
    return cast("AccountFields", values)


def normalize_locale(text: str) -> str:
    """Return a normalised language tag such as `de` or `de-AT`. Raises ValueError."""
    match = LOCALE.fullmatch(text)
    if not match:
        raise ValueError("must be a language tag such as de or de-AT")
    subtags = match[2].replace("_", "-").upper() if len(match[2]) == 3 else match[2].replace("_", "-")
    return match[1].lower() + subtags


def _text(check: Callable[[str], str]) -> Callable[[object], str]:
    def checked_text(value: object) -> str:
        if not isinstance(value, str):
            raise ValueError("must be text")  # noqa: TRY004 -- collected as a field error
        return check(value)

    return checked_text


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004 -- collected as a field error
    return value


def _party(text: str) -> str:
    return Party(text).value


ACCOUNT_CHECKS: Final[Mapping[str, Callable[[object], str | bool]]] = {
    "name": _text(account_name),
    "admin_email": _text(email_address),
    "password": _text(validate_password),
    "party": _text(_party),
    "locale": _text(normalize_locale),
    "timezone": _text(lambda text: zone(text).key),
    "suspended": _boolean,
    "home_url": _text(lambda text: https_url(text) if text else ""),
}
