"""Who owns a resource; these queries alone decide what an API key may see."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from psycopg import Connection
from sqlalchemy.orm import Session

from kontor.engine.admin import job_queries
from kontor.http.wire import uuid_of
from kontor.kernel.database import psycopg_connection


@dataclass(frozen=True, slots=True)
class Ownership:
    """Owner of a resource: a reseller, an account, both, or (neither) the provider."""

    reseller_id: UUID | None = None
    account_id: UUID | None = None


Owner = Callable[[Session, str], Ownership | None]
"""Returns the ownership of the resource named by the path; None if it does not exist."""


def ownership(session: Session, job_id: UUID) -> Ownership | None:
    """Return who owns a job; None when there is no such job."""
    job = job_queries.find(psycopg_connection(session), job_id)
    return None if job is None else tenant_ownership(session, job.tenant, job.id)


def tenant_ownership(session: Session, tenant: str, job_id: UUID | None = None) -> Ownership:
    """Return who owns a tenant's jobs; a free-form tenant belongs to the provider.

    A job from before the tenant came to its reseller is not that one's.
    """
    try:
        account_id = UUID(tenant)
    except ValueError:
        return Ownership()
    row = psycopg_connection(session).execute(TENANT, (account_id,)).fetchone()
    if row is None:
        return Ownership()
    reseller_id, since = row
    is_former = job_id is not None and since is not None and job_id < since
    return Ownership(None if is_former else reseller_id, account_id)


Owners = tuple[UUID | None, UUID | None]
"""(reseller, account)"""

ACCOUNT: Final = "SELECT reseller_id, id FROM accounts WHERE id = %s AND purged_at IS NULL"
TENANT: Final = "SELECT reseller_id, reseller_since FROM accounts WHERE id = %s AND purged_at IS NULL"
RESELLER: Final = "SELECT id, id FROM accounts WHERE id = %s AND purged_at IS NULL"
"""A reseller's own: also what a client of today had as a reseller before is not its reseller's of today."""
EVER_RESELLER: Final = "SELECT id, id FROM accounts WHERE id = %s"
"""Also of an account deleted for good: money facts are always taken."""
PAYMENT: Final = "SELECT reseller_id, NULL::uuid FROM payments WHERE id = %s"
OFFER: Final = "SELECT reseller_id, account_id FROM offers WHERE id = %s"
ORDER: Final = "SELECT reseller_id, NULL::uuid FROM orders WHERE id = %s"
SERVICE: Final = "SELECT reseller_id, account_id FROM services WHERE id = %s"
TEMPLATE: Final = "SELECT reseller_id, NULL::uuid FROM offer_templates WHERE id = %s"
MAIL: Final = "SELECT reseller_id, account_id FROM mails WHERE id = %s"
ENDPOINT: Final = "SELECT reseller_id, NULL::uuid FROM webhook_endpoints WHERE id = %s AND deleted_at IS NULL"
CHARGE: Final = "SELECT reseller_id, CASE WHEN reseller_id IS NULL THEN account_id END FROM charges WHERE id = %s"
"""The payer's: the account's only if it paid itself."""
KEY: Final = """
SELECT coalesce(k.reseller_id, a.reseller_id), k.account_id
FROM api_keys k LEFT JOIN accounts a ON a.id = k.account_id WHERE k.id = %s
"""
CLIENTS: Final = "SELECT id FROM accounts WHERE reseller_id = %s AND purged_at IS NULL"
PROGRAMME: Final = "SELECT programme FROM accounts WHERE id = %s AND purged_at IS NULL"


def owners_of(connection: Connection[Any], statement: str, resource_id: UUID) -> Owners | None:
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


def _by(statement: str) -> Owner:
    def find(session: Session, text: str) -> Ownership | None:
        row = owners_of(psycopg_connection(session), statement, uuid_of(text))
        return None if row is None else Ownership(*row)

    return find


def _job(session: Session, text: str) -> Ownership | None:
    return ownership(session, uuid_of(text))


def _provider(_session: Session, text: str) -> Ownership:
    """Return the provider's ownership: invisible to bound keys."""
    uuid_of(text)
    return Ownership()


account: Owner = _by(ACCOUNT)
reseller: Owner = _by(RESELLER)
payee: Owner = _by(EVER_RESELLER)
payment: Owner = _by(PAYMENT)
offer: Owner = _by(OFFER)
order: Owner = _by(ORDER)
service: Owner = _by(SERVICE)
template: Owner = _by(TEMPLATE)
mail: Owner = _by(MAIL)
endpoint: Owner = _by(ENDPOINT)
charge: Owner = _by(CHARGE)
key: Owner = _by(KEY)
job: Owner = _job
provider: Owner = _provider
