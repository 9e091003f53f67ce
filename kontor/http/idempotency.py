"""Requests with an Idempotency-Key: the response is stored in the transaction of its effect."""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from kontor.http.context import RequestContext
from kontor.http.responses import ApiResponse, problem
from kontor.kernel.database import psycopg_connection
from kontor.kernel.errors import Conflict, FieldError, Invalid, KontorError

RETENTION: Final = timedelta(hours=24)
KEY_LIMIT: Final = 255


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


MASK: Final = "***"
SECRETS: Final = frozenset({"secret", "password"})
GRACE: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """One request with its idempotency key."""

    ctx: RequestContext
    key: str

    def run(self, effect: Callable[[RequestContext], ApiResponse]) -> ApiResponse:
        """Return the stored response, or perform the request and store its response for 24 h.

        Raises Conflict(`idempotency_in_progress`), Invalid.
        """
        reservation = self._reservation()
        stored = reserve(self.ctx.session, reservation, self.ctx.now, self.ctx.deps.clock.wall_time())
        if stored is not None:
            return ApiResponse(stored.body.encode(), stored.status, {**stored.headers, "Idempotency-Replayed": "true"})
        response = self._perform(effect)
        if response.status < 500 and response.status != 429:
            self._store(reservation, response)
        return self._with_final_response(reservation, response)

    def _reservation(self) -> Reservation:
        incoming = self.ctx.incoming
        fingerprint_ = fingerprint(self.ctx.deps.secret, incoming.method, incoming.target, incoming.body)
        return Reservation(self.ctx.caller.key_id, validate_key(self.key), fingerprint_)

    def _perform(self, effect: Callable[[RequestContext], ApiResponse]) -> ApiResponse:
        """Perform the effect in a savepoint, so that an error response can be stored without it."""
        savepoint = self.ctx.session.begin_nested()
        try:
            response = effect(self.ctx)
        except KontorError as error:
            savepoint.rollback()
            return problem(error, self.ctx.incoming.trace_id)
        savepoint.commit()
        return response

    def _store(self, reservation: Reservation, response: ApiResponse) -> None:
        busy_until = None
        if response.wait is not None:
            busy_until = self.ctx.deps.clock.wall_time() + timedelta(seconds=response.wait.seconds) + GRACE
        save(self.ctx.session, reservation, masked(response), self.ctx.now, busy_until)

    def _with_final_response(self, reservation: Reservation, response: ApiResponse) -> ApiResponse:
        """Make a long-polled response store itself again when it is rendered last."""
        if response.wait is None:
            return response
        now, render = self.ctx.now, response.wait.render

        def render_and_keep(session: Session) -> ApiResponse:
            final = render(session)
            save(session, reservation, masked(final), now)
            return final

        return replace(response, wait=replace(response.wait, render=render_and_keep))


def masked(response: ApiResponse) -> StoredResponse:
    """Return the response to store, with secrets masked."""
    headers = {**response.headers, "Content-Type": response.media}
    if not any(f'"{name}"'.encode() in response.body for name in SECRETS):
        return StoredResponse(response.status, headers, response.body.decode())
    return StoredResponse(response.status, headers, _compact(_mask(json.loads(response.body))))


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _mask(value: Any) -> Any:
    match value:
        case dict():
            return {key: MASK if key in SECRETS and inner is not None else _mask(inner) for key, inner in value.items()}
        case list():
            return [_mask(inner) for inner in value]
        case _:
            return value


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
