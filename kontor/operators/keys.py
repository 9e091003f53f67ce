"""API keys for operators: created (shown once), listed, revoked."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from kontor.accounts import service as accounts
from kontor.http import keys
from kontor.http.keys import PREFIX, SANDBOX_PREFIX, Principal, hash_key
from kontor.http.scopes import covers, effective, is_scope
from kontor.kernel.errors import FieldError, Forbidden, Invalid, NotFound
from kontor.kernel.ids import new_id
from kontor.kernel.paging import Page, page_of
from models.accounts import Account, AccountKind
from models.keys import ApiKey, Scope

MAX_RATE: Final = 100_000


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new key with its secret, which is shown only here."""

    id: UUID
    name: str
    scopes: tuple[str, ...]
    reseller_id: UUID | None
    account_id: UUID | None
    secret: str


@dataclass(frozen=True, slots=True)
class KeyMaker:
    """Who makes a key: an actor, whether a key of his bound to an account may decide its offers, and for which side."""

    actor: str
    may_decide: bool = True
    in_sandbox: bool = False


SHELL: Final = KeyMaker("shell")
LIFETIME: Final = timedelta(days=365)
"""Of keys made in the console or by another key, unless they say otherwise."""


def create(
    session: Session,
    name: str,
    scopes: Iterable[str],
    now: datetime,
    *,
    reseller_id: UUID | None = None,
    account_id: UUID | None = None,
    expires_at: datetime | None = None,
    maker: KeyMaker = SHELL,
    ranges: Iterable[str] = (),
    rate: int | None = None,
) -> NewKey:
    """Create a key; without `expires_at` it never expires. Raises Invalid, NotFound, Forbidden."""
    unique_scopes = tuple(dict.fromkeys(scopes))
    _validate(session, unique_scopes, reseller_id, account_id)
    if account_id is not None and Scope.DECIDE in unique_scopes and not maker.may_decide:
        raise Forbidden(message="A reseller's key cannot give the scope decide.", scope=Scope.DECIDE.value)
    secret = new_secret(in_sandbox=maker.in_sandbox)
    key = ApiKey(
        id=new_id(),
        name=name,
        secret_hash=hash_key(secret),
        scopes=list(unique_scopes),
        reseller_id=reseller_id,
        account_id=account_id,
        created_at=now,
        expires_at=expires_at,
        created_by=maker.actor,
        may_decide=maker.may_decide,
        ranges=_ranges(ranges),
        rate=_rate(rate),
    )
    session.add(key)
    session.flush()
    return NewKey(key.id, name, scopes_of(key), reseller_id, account_id, secret)


def new_secret(*, in_sandbox: bool = False) -> str:
    """Return a new secret of 256 random bits, with the prefix that leads its calls to the sandbox or to none."""
    prefix, secret = SANDBOX_PREFIX if in_sandbox else PREFIX, ""
    while secret.startswith(SANDBOX_PREFIX) is not in_sandbox or not secret:
        secret = prefix + secrets.token_urlsafe(32)
    return secret


def scopes_of(key: ApiKey) -> tuple[str, ...]:
    """Return the scopes that a key has, `decide` included where it goes without saying."""
    return effective(key.scopes, key.account_id, may_decide=key.may_decide)


def _ranges(texts: Iterable[str]) -> list[str]:
    try:
        return list(dict.fromkeys(keys.parse_range(text) for text in texts))
    except ValueError as error:
        message = f"{error}; use an address or a network such as 203.0.113.0/24."
        raise Invalid("invalid", message, errors=[FieldError("from", message)]) from None


def _rate(rate: int | None) -> int | None:
    if rate is not None and not 1 <= rate <= MAX_RATE:
        message = f"must be 1 to {MAX_RATE} requests a second"
        raise Invalid("invalid", f"The rate {message}.", errors=[FieldError("rate", message)])
    return rate


def list_keys(session: Session) -> list[ApiKey]:
    """Return all keys, including revoked ones, oldest first."""
    return list(keys.list_keys(session))


def page(session: Session, caller: Principal, cursor: str | None, limit: int) -> Page[ApiKey]:
    """Return the keys that the caller may see, newest first: all, or those bound to it or its clients."""
    query = select(ApiKey)
    if caller.account_id is not None:
        query = query.where(ApiKey.account_id == caller.account_id)
    if caller.reseller_id is not None:
        query = query.where(_of_reseller(caller.reseller_id))
    return page_of(session, query, ApiKey.id, cursor, limit)


def page_of_reseller(session: Session, reseller_id: UUID, cursor: str | None, limit: int) -> Page[ApiKey]:
    """Return the keys bound to a reseller or its clients, newest first."""
    return page_of(session, select(ApiKey).where(_of_reseller(reseller_id)), ApiKey.id, cursor, limit)


def of_reseller(session: Session, reseller_id: UUID, key_id: UUID) -> ApiKey:
    """Return a key bound to a reseller or one of its clients. Raises NotFound."""
    key = session.scalars(select(ApiKey).where(ApiKey.id == key_id, _of_reseller(reseller_id))).one_or_none()
    if key is None:
        raise NotFound(message="There is no such key.")
    return key


def _of_reseller(reseller_id: UUID) -> ColumnElement[bool]:
    own = select(Account.id).where((Account.reseller_id == reseller_id) | (Account.id == reseller_id))
    return (ApiKey.reseller_id == reseller_id) | ApiKey.account_id.in_(own)


def maker_of(caller: Principal, *, in_sandbox: bool = False) -> KeyMaker:
    """Return a key as the maker of others: no key of a reseller's gives `decide`, nor one that lacks it itself."""
    deciding = (Scope.ADMIN, Scope.OPERATE, Scope.DECIDE) if not caller.bound else (Scope.DECIDE,)
    return KeyMaker(caller.actor, caller.reseller_id is None and any(map(caller.has_scope, deciding)), in_sandbox)


def is_admin(caller: Principal) -> bool:
    """Whether a key makes and revokes any keys."""
    return caller.has_scope(Scope.ADMIN) and not caller.bound


def limits_of(session: Session, caller: Principal, ranges: list[str], rate: int | None) -> tuple[list[str], int | None]:
    """Return ranges and rate of a key that the caller makes; only an admin's lie outside its own. Raises Forbidden."""
    own = session.get_one(ApiKey, caller.key_id)
    if is_admin(caller):
        return ranges or own.ranges, rate
    outside = [text for text in _ranges(ranges) if own.ranges and not keys.is_subnet(text, own.ranges)]
    if outside or rate is not None:
        raise Forbidden(message="A key without admin sets no rate, and no range outside its own.")
    return ranges or own.ranges, own.rate


def require_may_give(caller: Principal, scopes: Iterable[str]) -> None:
    """Raise Forbidden for a scope beyond those of the caller; an unbound key with `admin` gives any."""
    if is_admin(caller):
        return
    beyond = [scope for scope in scopes if is_scope(scope) and not covers(caller.scopes, scope)]
    if beyond:
        raise Forbidden(message=f"This key lacks the scope {beyond[0]}.", scope=beyond[0])


def revoke(session: Session, key_id: UUID, now: datetime) -> ApiKey:
    """Revoke a key at once; a repeat changes nothing. Raises NotFound."""
    key = session.get(ApiKey, key_id, with_for_update=True)
    if key is None:
        raise NotFound(message="There is no such key.")
    key.revoked_at = key.revoked_at or now
    return key


def _validate(session: Session, scopes: tuple[str, ...], reseller_id: UUID | None, account_id: UUID | None) -> None:
    if not scopes or not all(map(is_scope, scopes)):
        allowed = ", ".join((*Scope, "enqueue:TASKS", "work:TASKS (such as work:vps.*)"))
        errors = [FieldError("scopes", f"must be one of {allowed}")]
        raise Invalid("invalid", f"Valid scopes: {allowed}.", errors=errors)
    if reseller_id is not None and account_id is not None:
        raise Invalid("invalid", "A key can be bound to a reseller or to an account, not to both.")
    bound_to = reseller_id or account_id
    if bound_to is None:
        return
    account = accounts.find(session, bound_to, share=True)
    if account is None:
        raise NotFound(message="There is no such account to bind the key to.")
    if reseller_id is not None and account.kind != AccountKind.RESELLER:
        raise Invalid("not_a_reseller", "That account is not a reseller: bind the key with --account.")
