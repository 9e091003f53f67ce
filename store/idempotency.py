"""SQL of kept answers."""

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
    """A kept answer as stored."""

    fingerprint: str
    status: int
    headers: dict[str, str]
    body: str
    busy_until: datetime | None


def take_seat(driver: Connection[Any], key_id: UUID, key: str) -> bool:
    """Hold the key until the transaction ends; False when another request holds it."""
    row = driver.execute(SEAT, (f"{key_id}:{key}",)).fetchone()
    return row is not None and bool(row[0])


def find(driver: Connection[Any], key_id: UUID, key: str, after: datetime) -> KeptRow | None:
    """The answer kept for a key since `after`."""
    row = driver.execute(FIND, (key_id, key, after)).fetchone()
    return None if row is None else KeptRow(*row)


def keep(driver: Connection[Any], key_id: UUID, key: str, row: KeptRow, now: datetime) -> None:
    """Write an answer down, over an older one."""
    values = (row.fingerprint, row.status, Jsonb(row.headers), row.body, row.busy_until, now)
    driver.execute(KEEP, (key_id, key, *values))


def purge(driver: Connection[Any], before: datetime, limit: int) -> int:
    """Delete answers kept at or before an instant; returns how many."""
    return driver.execute(PURGE, (before, limit)).rowcount
