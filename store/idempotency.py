"""Storage of responses by idempotency key."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb

SEAT = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 7214))"
FIND = """
SELECT fingerprint, status, headers, body, busy_until FROM idempotent_answers
WHERE key_id = %s AND idempotency_key = %s AND created_at > %s
"""
KEEP = """
INSERT INTO idempotent_answers
    (key_id, idempotency_key, fingerprint, status, headers, body, busy_until, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (key_id, idempotency_key) DO UPDATE SET
    fingerprint = excluded.fingerprint, status = excluded.status, headers = excluded.headers,
    body = excluded.body, busy_until = excluded.busy_until, created_at = excluded.created_at
"""
PURGE = """
DELETE FROM idempotent_answers WHERE (key_id, idempotency_key) IN (
    SELECT key_id, idempotency_key FROM idempotent_answers WHERE created_at <= %s LIMIT %s)
"""


class KeptRow(NamedTuple):
    """A stored response."""

    fingerprint: str
    status: int
    headers: dict[str, str]
    body: str
    busy_until: datetime | None


def take_seat(connection: Connection[Any], key_id: UUID, key: str) -> bool:
    """Lock the key until the transaction ends; False when another request holds it."""
    row = connection.execute(SEAT, (f"{key_id}:{key}",)).fetchone()
    return row is not None and bool(row[0])


def find(connection: Connection[Any], key_id: UUID, key: str, after: datetime) -> KeptRow | None:
    """Return the response stored for a key after an instant."""
    row = connection.execute(FIND, (key_id, key, after)).fetchone()
    return None if row is None else KeptRow(*row)


def keep(connection: Connection[Any], key_id: UUID, key: str, row: KeptRow, now: datetime) -> None:
    """Store a response, replacing an older one."""
    values = (row.fingerprint, row.status, Jsonb(row.headers), row.body, row.busy_until, now)
    connection.execute(KEEP, (key_id, key, *values))


def purge(connection: Connection[Any], before: datetime, limit: int) -> int:
    """Delete up to `limit` responses stored at or before an instant; return how many."""
    return connection.execute(PURGE, (before, limit)).rowcount
