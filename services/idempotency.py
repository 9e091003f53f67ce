"""Idempotency-Key: the first answer to a request is the answer to its repeats, for 24 hours."""

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
from store import idempotency as store

KEPT: Final = timedelta(hours=24)
KEY_LIMIT: Final = 255


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it went out, secrets masked."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Seat:
    """One use of a key by one API key. `fingerprint` stands for the request."""

    key_id: UUID
    key: str
    fingerprint: str


def fingerprint(secret: bytes, method: str, target: str, body: bytes) -> str:
    """HMAC-SHA256 in hex: bodies hold passwords, so a plain hash would not do."""
    head = f"{method} {target}\n".encode("utf-8", "replace")
    return hmac.new(secret, head + body, hashlib.sha256).hexdigest()


def checked_key(key: str) -> str:
    """The key itself. Raises Invalid for one that is empty or too long."""
    if 1 <= len(key) <= KEY_LIMIT and "\x00" not in key:
        return key
    message = f"An Idempotency-Key has 1 to {KEY_LIMIT} characters."
    raise Invalid("invalid", message, errors=[FieldError("Idempotency-Key", message)])


def sit_down(session: Session, seat: Seat, now: datetime, real: datetime) -> Kept | None:
    """Return the earlier answer, or None: then this request is the first.

    Raises Conflict (`idempotency_in_progress`) and Invalid (`idempotency_mismatch`). Holds the key
    until the transaction ends. `now` is programme time, `real` wall time.
    """
    if not store.take_seat(driver(session), seat.key_id, seat.key):
        raise _busy()
    row = store.find(driver(session), seat.key_id, seat.key, now - KEPT)
    if row is None:
        return None
    if not hmac.compare_digest(row.fingerprint, seat.fingerprint):
        message = "This Idempotency-Key was used for another request."
        raise Invalid("idempotency_mismatch", message, errors=[FieldError("Idempotency-Key", message)])
    if row.busy_until is not None and row.busy_until > real:
        raise _busy()
    return Kept(row.status, row.headers, row.body)


def keep(session: Session, seat: Seat, kept: Kept, now: datetime, busy_until: datetime | None = None) -> None:
    """Write the answer down for the repeats to come."""
    row = store.KeptRow(seat.fingerprint, kept.status, dict(kept.headers), kept.body, busy_until)
    store.keep(driver(session), seat.key_id, seat.key, row, now)


def purge(session: Session, now: datetime, limit: int = 10_000) -> int:
    """Forget answers older than 24 hours; returns how many."""
    return store.purge(driver(session), now - KEPT, limit)


def _busy() -> Conflict:
    return Conflict("idempotency_in_progress", "A request with this Idempotency-Key is still running.")
