"""Queries of bulk previews: recent charges, lanes not delivering, account names of tenants."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from psycopg import Connection

from domain.ids import new_id
from domain.names import name_key

MOMENT_MS: Final = 5_000
CHARGED: Final = "SELECT currency, sum(total) FROM charges WHERE id >= %s GROUP BY currency"
SHUT: Final = "SELECT name FROM lanes WHERE name = ANY(%s) AND state <> 'closed'"
CALLED: Final = "SELECT id FROM accounts WHERE name_key = %s AND purged_at IS NULL"
NAMES: Final = "SELECT id::text, name FROM accounts WHERE id = ANY(%s::uuid[])"


def recent() -> UUID:
    """The smallest id of a row created within the last five seconds (real time)."""
    return UUID(int=max(0, (new_id().int >> 80) - MOMENT_MS) << 80)


def charged(connection: Connection[Any], floor: UUID) -> dict[str, Decimal]:
    """Charges by currency from an id on, including those of the current transaction."""
    return {str(currency): total for currency, total in connection.execute(CHARGED, (floor,)).fetchall()}


def shut_lanes(connection: Connection[Any], names: Iterable[str]) -> set[str]:
    """The names of those lanes that are open or held."""
    return {row[0] for row in connection.execute(SHUT, (sorted(set(names)),)).fetchall()}


def account_called(connection: Connection[Any], name: str) -> str | None:
    """The id, as text, of the account with a name, ignoring case."""
    row = connection.execute(CALLED, (name_key(name),)).fetchone()
    return None if row is None else str(row[0])


def account_names(connection: Connection[Any], tenants: Iterable[str]) -> dict[str, str]:
    """The names of those tenants that are accounts."""
    ids = [tenant for tenant in set(tenants) if _is_id(tenant)]
    return dict(connection.execute(NAMES, (ids,)).fetchall()) if ids else {}


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
