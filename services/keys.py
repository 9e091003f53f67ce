"""API keys: created, shown once, looked up by hash, revoked."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import Connection
from sqlalchemy.orm import Session

from domain.errors import FieldError, Invalid, KontorError, NotFound
from domain.ids import new_id
from models.accounts import AccountKind
from models.keys import ApiKey, Scope
from store import accounts
from store import keys as store

PREFIX: Final = "kontor_"


class Unauthorized(KontorError):
    """The API key is missing or not valid (401)."""

    def __init__(self) -> None:
        super().__init__("unauthorized", "Send a valid API key: Authorization: Bearer <key>.")


@dataclass(frozen=True, slots=True)
class Possession:
    """Owner of a resource: a reseller, an account, both, or (neither) the provider."""

    reseller_id: UUID | None = None
    account_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated caller: a key with its scopes, bound to a reseller, to an account or to neither."""

    key_id: UUID
    name: str
    scopes: frozenset[str]
    reseller_id: UUID | None = None
    account_id: UUID | None = None

    @property
    def bound(self) -> bool:
        """Whether the key belongs to a reseller or an account."""
        return self.reseller_id is not None or self.account_id is not None

    @property
    def tenant(self) -> str | None:
        """The tenant of a bound key's jobs; None when the key may choose one."""
        owner = self.reseller_id or self.account_id
        return None if owner is None else str(owner)

    @property
    def actor(self) -> str:
        """The caller's name in audit entries."""
        return f"key:{self.key_id}"

    def may(self, scope: Scope) -> bool:
        """Whether the key has the scope."""
        return scope in self.scopes

    def sees(self, owner: Possession) -> bool:
        """Whether the caller may see a resource with this owner."""
        if self.reseller_id is not None:
            return self.reseller_id in (owner.reseller_id, owner.account_id)
        return self.account_id is None or self.account_id == owner.account_id


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new key with its secret, which is shown only here."""

    id: UUID
    name: str
    scopes: tuple[str, ...]
    reseller_id: UUID | None
    account_id: UUID | None
    secret: str


def digest(secret: str) -> str:
    """Return the stored hash of a secret of 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def authenticate(connection: Connection[Any], secret: str | None, now: datetime) -> Caller:
    """Return the caller that a secret belongs to. Raises Unauthorized."""
    row = None if secret is None else store.find_valid(connection, digest(secret), now)
    if row is None:
        raise Unauthorized
    return Caller(row.id, row.name, frozenset(row.scopes), row.reseller_id, row.account_id)


def create(
    session: Session,
    name: str,
    scopes: Iterable[str],
    now: datetime,
    *,
    reseller_id: UUID | None = None,
    account_id: UUID | None = None,
    expires_at: datetime | None = None,
) -> NewKey:
    """Create a key. Raises Invalid or NotFound."""
    unique_scopes = tuple(dict.fromkeys(scopes))
    _validate(session, unique_scopes, reseller_id, account_id)
    secret = PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        id=new_id(),
        name=name,
        secret_hash=digest(secret),
        scopes=list(unique_scopes),
        reseller_id=reseller_id,
        account_id=account_id,
        created_at=now,
        expires_at=expires_at,
    )
    session.add(key)
    session.flush()
    return NewKey(key.id, name, unique_scopes, reseller_id, account_id, secret)


def listed(session: Session) -> list[ApiKey]:
    """Return all keys, including revoked ones, oldest first."""
    return list(store.every(session))


def revoke(session: Session, key_id: UUID, now: datetime) -> ApiKey:
    """Revoke a key at once; a repeat changes nothing. Raises NotFound."""
    key = session.get(ApiKey, key_id, with_for_update=True)
    if key is None:
        raise NotFound(message="There is no such key.")
    key.revoked_at = key.revoked_at or now
    return key


def _validate(session: Session, scopes: tuple[str, ...], reseller_id: UUID | None, account_id: UUID | None) -> None:
    unknown = [scope for scope in scopes if scope not in set(Scope)]
    if unknown or not scopes:
        allowed = ", ".join(Scope)
        raise Invalid("invalid", f"Valid scopes: {allowed}.", errors=[FieldError("scope", f"must be one of {allowed}")])
    if reseller_id is not None and account_id is not None:
        raise Invalid("invalid", "A key can be bound to a reseller or to an account, not to both.")
    bound_to = reseller_id or account_id
    if bound_to is None:
        return
    account = accounts.by_id(session, bound_to, share=True)
    if account is None:
        raise NotFound(message="There is no such account to bind the key to.")
    if reseller_id is not None and account.kind != AccountKind.RESELLER:
        raise Invalid("not_a_reseller", "That account is not a reseller: bind the key with --account.")
