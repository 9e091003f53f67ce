"""Ownership queries; the only ones that decide what an API key may see."""

from typing import Any, Final
from uuid import UUID

from psycopg import Connection

Owners = tuple[UUID | None, UUID | None]
"""(reseller, account)"""

ACCOUNT: Final = "SELECT reseller_id, id FROM accounts WHERE id = %s AND purged_at IS NULL"
OFFER: Final = "SELECT reseller_id, account_id FROM offers WHERE id = %s"
TEMPLATE: Final = "SELECT reseller_id, NULL::uuid FROM offer_templates WHERE id = %s"
MAIL: Final = "SELECT reseller_id, account_id FROM mails WHERE id = %s"
ENDPOINT: Final = "SELECT reseller_id, NULL::uuid FROM webhook_endpoints WHERE id = %s AND deleted_at IS NULL"
CHARGE: Final = "SELECT reseller_id, account_id FROM charges WHERE id = %s"
CLIENTS: Final = "SELECT id FROM accounts WHERE reseller_id = %s AND purged_at IS NULL"
PROGRAMME: Final = "SELECT programme FROM accounts WHERE id = %s AND purged_at IS NULL"


def find(connection: Connection[Any], statement: str, resource_id: UUID) -> Owners | None:
    """Return the owners by one of the statements above; None if the row does not exist."""
    row = connection.execute(statement, (resource_id,)).fetchone()
    return None if row is None else (row[0], row[1])


def client_ids(connection: Connection[Any], reseller_id: UUID) -> list[UUID]:
    """Return the ids of a reseller's clients."""
    return [row[0] for row in connection.execute(CLIENTS, (reseller_id,)).fetchall()]


def programme_of(connection: Connection[Any], account_id: UUID) -> str | None:
    """Return the programme an account belongs to."""
    row = connection.execute(PROGRAMME, (account_id,)).fetchone()
    return None if row is None else str(row[0])
