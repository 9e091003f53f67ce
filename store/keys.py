"""SQL of API keys."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.keys import ApiKey

FIND = """
SELECT id, name, scopes, reseller_id, account_id FROM api_keys
WHERE secret_hash = %s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %s)
"""


class KeyRow(NamedTuple):
    """What a valid key says of its caller."""

    id: UUID
    name: str
    scopes: list[str]
    reseller_id: UUID | None
    account_id: UUID | None


def find_valid(driver: Connection[Any], secret_hash: str, now: datetime) -> KeyRow | None:
    """The key with that secret, unless it was revoked or has expired."""
    row = driver.execute(FIND, (secret_hash, now)).fetchone()
    return None if row is None else KeyRow(*row)


def every(session: Session) -> Sequence[ApiKey]:
    """All keys, oldest first."""
    return session.scalars(select(ApiKey).order_by(ApiKey.id)).all()
