"""API keys: looked up by hash; who calls and what they may do."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import Connection
from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.http.ownership import Ownership
from kontor.http.problems import Unauthorized
from models.keys import ApiKey, Scope

PREFIX: Final = "kontor_"


@dataclass(frozen=True, slots=True)
class Principal:
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
    def counted_as(self) -> str:
        """Whose limits a request counts towards: the tenant, or an unbound key by itself."""
        return self.tenant or str(self.key_id)

    @property
    def actor(self) -> str:
        """The caller's name in audit entries."""
        return f"key:{self.key_id}"

    def has_scope(self, scope: Scope) -> bool:
        """Whether the key has the scope."""
        return scope in self.scopes

    def can_see(self, owner: Ownership) -> bool:
        """Whether the caller may see a resource with this owner."""
        if self.reseller_id is not None:
            return self.reseller_id in (owner.reseller_id, owner.account_id)
        return self.account_id is None or self.account_id == owner.account_id


def hash_key(secret: str) -> str:
    """Return the stored hash of a secret of 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def authenticate(connection: Connection[Any], secret: str | None, now: datetime) -> Principal:
    """Return the caller that a secret belongs to. Raises Unauthorized."""
    row = None if secret is None else find_valid(connection, hash_key(secret), now)
    if row is None:
        raise Unauthorized
    return Principal(row.id, row.name, frozenset(row.scopes), row.reseller_id, row.account_id)


FIND = """
SELECT id, name, scopes, reseller_id, account_id FROM api_keys
WHERE secret_hash = %s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %s)
"""


class KeyRow(NamedTuple):
    """A valid key and its owner."""

    id: UUID
    name: str
    scopes: list[str]
    reseller_id: UUID | None
    account_id: UUID | None


def find_valid(connection: Connection[Any], secret_hash: str, now: datetime) -> KeyRow | None:
    """Return the key with this secret hash, unless it is revoked or expired at `now`."""
    row = connection.execute(FIND, (secret_hash, now)).fetchone()
    return None if row is None else KeyRow(*row)


def list_keys(session: Session) -> Sequence[ApiKey]:
    """Return all keys, oldest first."""
    return session.scalars(select(ApiKey).order_by(ApiKey.id)).all()
