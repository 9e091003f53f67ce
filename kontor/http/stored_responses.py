"""Responses stored for requests with an Idempotency-Key; workers delete the old ones without the request layer."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from kontor.kernel.database import psycopg_connection
from kontor.kernel.errors import Conflict, FieldError, Invalid

RETENTION: Final = timedelta(hours=24)
KEY_LIMIT: Final = 255
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


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response as it was sent, secrets masked."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Reservation:
    """One use of an Idempotency-Key by one API key; `fingerprint` identifies the request."""

    key_id: UUID
    key: str
    fingerprint: str


def fingerprint(secret: bytes, method: str, target: str, body: bytes) -> str:
    """Return HMAC-SHA256 in hex; keyed because bodies may contain passwords."""
    head = f"{method} {target}\n".encode("utf-8", "replace")
    return hmac.new(secret, head + body, hashlib.sha256).hexdigest()


def validate_key(key: str) -> str:
    """Return the key. Raises Invalid when it is empty, too long or contains a NUL character."""
    if 1 <= len(key) <= KEY_LIMIT and "\x00" not in key:
        return key
    message = f"An Idempotency-Key has 1 to {KEY_LIMIT} characters."
    raise Invalid("invalid", message, errors=[FieldError("Idempotency-Key", message)])


def reserve(session: Session, reservation: Reservation, now: datetime, wall_time: datetime) -> StoredResponse | None:
    """Return the stored response, or None when this request is the first.

    Locks the key until the transaction ends. `now` is programme time.
    Raises Conflict(`idempotency_in_progress`), Invalid(`idempotency_mismatch`).
    """
    if not try_lock(psycopg_connection(session), reservation.key_id, reservation.key):
        raise _busy()
    row = find(psycopg_connection(session), reservation.key_id, reservation.key, now - RETENTION)
    if row is None:
        return None
    if not hmac.compare_digest(row.fingerprint, reservation.fingerprint):
        message = "This Idempotency-Key was used for a different request."
        raise Invalid("idempotency_mismatch", message, errors=[FieldError("Idempotency-Key", message)])
    if row.busy_until is not None and row.busy_until > wall_time:
        raise _busy()
    return StoredResponse(row.status, row.headers, row.body)


def save(
    session: Session,
    reservation: Reservation,
    response: StoredResponse,
    now: datetime,
    busy_until: datetime | None = None,
) -> None:
    """Store the response for later repeats."""
    row = StoredResponseRow(reservation.fingerprint, response.status, dict(response.headers), response.body, busy_until)
    store_response(psycopg_connection(session), reservation.key_id, reservation.key, row, now)


def purge(session: Session, now: datetime, limit: int = 10_000) -> int:
    """Delete up to `limit` responses older than 24 hours; return how many."""
    return delete_older(psycopg_connection(session), now - RETENTION, limit)


def _busy() -> Conflict:
    return Conflict("idempotency_in_progress", "A request with this Idempotency-Key is still running.")


class StoredResponseRow(NamedTuple):
    """A stored response."""

    fingerprint: str
    status: int
    headers: dict[str, str]
    body: str
    busy_until: datetime | None


def try_lock(connection: Connection[Any], key_id: UUID, key: str) -> bool:
    """Lock the key until the transaction ends; False when another request holds it."""
    row = connection.execute(SEAT, (f"{key_id}:{key}",)).fetchone()
    return row is not None and bool(row[0])


def find(connection: Connection[Any], key_id: UUID, key: str, after: datetime) -> StoredResponseRow | None:
    """Return the response stored for a key after an instant."""
    row = connection.execute(FIND, (key_id, key, after)).fetchone()
    return None if row is None else StoredResponseRow(*row)


def store_response(connection: Connection[Any], key_id: UUID, key: str, row: StoredResponseRow, now: datetime) -> None:
    """Store a response, replacing an older one."""
    values = (row.fingerprint, row.status, Jsonb(row.headers), row.body, row.busy_until, now)
    connection.execute(KEEP, (key_id, key, *values))


def delete_older(connection: Connection[Any], before: datetime, limit: int) -> int:
    """Delete up to `limit` responses stored at or before an instant; return how many."""
    return connection.execute(PURGE, (before, limit)).rowcount
