"""Idempotency-Key: repeats of a request get its first response for 24 hours."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import Conflict, FieldError, Invalid
from engine.driver import driver
from store import idempotency as rows

RETENTION: Final = timedelta(hours=24)
KEY_LIMIT: Final = 255


@dataclass(frozen=True, slots=True)
class Kept:
    """A response as it was sent, secrets masked."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Seat:
    """One use of an Idempotency-Key by one API key; `fingerprint` identifies the request."""

    key_id: UUID
    key: str
    fingerprint: str


def fingerprint(secret: bytes, method: str, target: str, body: bytes) -> str:
    """Return HMAC-SHA256 in hex; keyed because bodies may contain passwords."""
    head = f"{method} {target}\n".encode("utf-8", "replace")
    return hmac.new(secret, head + body, hashlib.sha256).hexdigest()


def checked_key(key: str) -> str:
    """Return the key. Raises Invalid when it is empty, too long or contains a NUL character."""
    if 1 <= len(key) <= KEY_LIMIT and "\x00" not in key:
        return key
    message = f"An Idempotency-Key has 1 to {KEY_LIMIT} characters."
    raise Invalid("invalid", message, errors=[FieldError("Idempotency-Key", message)])


def sit_down(session: Session, reservation: Seat, now: datetime, wall_time: datetime) -> Kept | None:
    """Return the stored response, or None when this request is the first.

    Locks the key until the transaction ends. `now` is programme time.
    Raises Conflict(`idempotency_in_progress`), Invalid(`idempotency_mismatch`).
    """
    if not rows.take_seat(driver(session), reservation.key_id, reservation.key):
        raise _busy()
    row = rows.find(driver(session), reservation.key_id, reservation.key, now - RETENTION)
    if row is None:
        return None
    if not hmac.compare_digest(row.fingerprint, reservation.fingerprint):
        message = "This Idempotency-Key was used for a different request."
        raise Invalid("idempotency_mismatch", message, errors=[FieldError("Idempotency-Key", message)])
    if row.busy_until is not None and row.busy_until > wall_time:
        raise _busy()
    return Kept(row.status, row.headers, row.body)


def keep(
    session: Session, reservation: Seat, response: Kept, now: datetime, busy_until: datetime | None = None
) -> None:
    """Store the response for later repeats."""
    row = rows.KeptRow(reservation.fingerprint, response.status, dict(response.headers), response.body, busy_until)
    rows.keep(driver(session), reservation.key_id, reservation.key, row, now)


def purge(session: Session, now: datetime, limit: int = 10_000) -> int:
    """Delete up to `limit` responses older than 24 hours; return how many."""
    return rows.purge(driver(session), now - RETENTION, limit)


def _busy() -> Conflict:
    return Conflict("idempotency_in_progress", "A request with this Idempotency-Key is still running.")
