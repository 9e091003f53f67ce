"""API keys: looked up by hash; who calls and what they may do."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import Connection
from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.http.ownership import Ownership
from kontor.http.problems import Unauthorized
from kontor.http.scopes import covers_task, effective
from kontor.http.visibility import Viewer
from kontor.kernel.errors import Forbidden
from models.keys import ApiKey, Scope

PREFIX: Final = "kontor_"
SANDBOX_PREFIX: Final = "kontor_test_"
"""What keys of a sandbox begin with, and no others."""


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
    def viewer(self) -> Viewer:
        """As whom the caller sees responses: a key bound to an account is a client, whatever the account's kind."""
        if self.account_id is not None:
            return Viewer.CLIENT
        return Viewer.OPERATOR if self.reseller_id is None else Viewer.RESELLER

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
        """Whether the key has the scope, not narrowed to tasks."""
        return scope in self.scopes

    def may_enqueue(self, task: str) -> bool:
        """Whether the key has the scope `enqueue`, or one narrowed to tasks of which this is one."""
        return covers_task(self.scopes, Scope.ENQUEUE, task)

    def can_see(self, owner: Ownership) -> bool:
        """Whether the caller may see a resource with this owner."""
        if self.reseller_id is not None:
            return self.reseller_id in (owner.reseller_id, owner.account_id)
        return self.account_id is None or self.account_id == owner.account_id


def hash_key(secret: str) -> str:
    """Return the stored hash of a secret of 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def authenticate(connection: Connection[Any], secret: str | None, real_now: datetime, origin: str) -> Principal:
    """Return the caller that a secret belongs to; `origin` is the client's address.

    Raises Unauthorized (also `key_expired`), Forbidden(`address_not_allowed`, `account_suspended`).
    """
    row = None if secret is None else find(connection, hash_key(secret))
    if row is None or row.deleted:
        raise Unauthorized
    if row.expires_at is not None and row.expires_at <= real_now:
        raise Unauthorized("key_expired", "This API key has expired; make another one.")
    if row.ranges and not is_within(origin, tuple(row.ranges)):
        raise Forbidden("address_not_allowed", "This API key may not be used from this address.")
    if row.suspended:
        raise Forbidden("account_suspended", "The account of this API key is suspended.")
    scopes = effective(row.scopes, row.account_id, may_decide=row.may_decide)
    return Principal(row.id, row.name, frozenset(scopes), row.reseller_id, row.account_id)


FIND = """
SELECT k.id, k.name, k.scopes, k.reseller_id, k.account_id, k.may_decide, k.ranges, k.expires_at,
    coalesce(a.suspended, false), a.deleted_at IS NOT NULL
FROM api_keys k LEFT JOIN accounts a ON a.id = coalesce(k.account_id, k.reseller_id)
WHERE k.secret_hash = %s AND k.revoked_at IS NULL
"""


class KeyRow(NamedTuple):
    """A key that is not revoked, its owner, and whether that one is suspended or deleted."""

    id: UUID
    name: str
    scopes: list[str]
    reseller_id: UUID | None
    account_id: UUID | None
    may_decide: bool
    ranges: list[str]
    expires_at: datetime | None
    suspended: bool
    deleted: bool


def find(connection: Connection[Any], secret_hash: str) -> KeyRow | None:
    """Return the key with this secret hash, unless it is revoked."""
    row = connection.execute(FIND, (secret_hash,)).fetchone()
    return None if row is None else KeyRow(*row)


def parse_range(text: str) -> str:
    """Return an address or a network in CIDR form. Raises ValueError."""
    return str(ip_network(text.strip()))


def is_within(origin: str, ranges: tuple[str, ...]) -> bool:
    """Whether an address lies in one of the networks; IPv4 in IPv6 form counts as IPv4."""
    try:
        address = ip_address(origin)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in _networks(ranges))


def is_subnet(text: str, ranges: Iterable[str]) -> bool:
    """Whether a network lies in one of the others."""
    network = ip_network(text)
    others = _networks(tuple(ranges))
    return any(
        network.subnet_of(other)  # type: ignore[arg-type]  # of the same version, which is compared first
        for other in others
        if network.version == other.version
    )


@lru_cache(maxsize=1_024)
def _networks(ranges: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(map(ip_network, ranges))


def list_keys(session: Session) -> Sequence[ApiKey]:
    """Return all keys, oldest first."""
    return session.scalars(select(ApiKey).order_by(ApiKey.id)).all()
