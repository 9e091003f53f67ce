"""Queries on API keys."""

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


def every(session: Session) -> Sequence[ApiKey]:
    """Return all keys, oldest first."""
    return session.scalars(select(ApiKey).order_by(ApiKey.id)).all()
