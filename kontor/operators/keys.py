"""API keys for operators: created (shown once), listed, revoked."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import service as accounts
from kontor.http import keys
from kontor.http.keys import PREFIX, hash_key
from kontor.kernel.errors import FieldError, Invalid, NotFound
from kontor.kernel.ids import new_id
from models.accounts import AccountKind
from models.keys import ApiKey, Scope


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new key with its secret, which is shown only here."""

    id: UUID
    name: str
    scopes: tuple[str, ...]
    reseller_id: UUID | None
    account_id: UUID | None
    secret: str


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
        secret_hash=hash_key(secret),
        scopes=list(unique_scopes),
        reseller_id=reseller_id,
        account_id=account_id,
        created_at=now,
        expires_at=expires_at,
    )
    session.add(key)
    session.flush()
    return NewKey(key.id, name, unique_scopes, reseller_id, account_id, secret)


def list_keys(session: Session) -> list[ApiKey]:
    """Return all keys, including revoked ones, oldest first."""
    return list(keys.list_keys(session))


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
    account = accounts.find(session, bound_to, share=True)
    if account is None:
        raise NotFound(message="There is no such account to bind the key to.")
    if reseller_id is not None and account.kind != AccountKind.RESELLER:
        raise Invalid("not_a_reseller", "That account is not a reseller: bind the key with --account.")
