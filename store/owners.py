"""SQL of whose things are: what an API key may see is decided by these alone."""

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


def find(driver: Connection[Any], statement: str, thing: UUID) -> Owners | None:
    """Run one of the statements above; None when there is no such thing."""
    row = driver.execute(statement, (thing,)).fetchone()
    return None if row is None else (row[0], row[1])


def client_ids(driver: Connection[Any], reseller_id: UUID) -> list[UUID]:
    """The accounts attached to a reseller."""
    return [row[0] for row in driver.execute(CLIENTS, (reseller_id,)).fetchall()]


def programme_of(driver: Connection[Any], account_id: UUID) -> str | None:
    """The programme an account belongs to."""
    row = driver.execute(PROGRAMME, (account_id,)).fetchone()
    return None if row is None else str(row[0])
