"""Standard Webhooks 1.0 as Kontor uses it: event types, secrets, ids, bodies."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from kontor.kernel.data_keys import DecryptionError
from kontor.kernel.errors import FieldError, Invalid
from kontor.kernel.ports import SecretBox
from kontor.webhooks.event_types import EVENTS

EVENT_TYPES: Final = tuple(EVENTS)
ALL_EVENTS: Final = "*"
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 -- what every secret starts with, itself none
SECRET_BYTES: Final = range(24, 65)
ROTATION: Final = timedelta(hours=24)


def validate_secret(secret: str) -> str:
    """Return the secret if it is `whsec_` plus the base64 of 24 to 64 bytes. Raises Invalid."""
    try:
        text = secret.removeprefix(SECRET_PREFIX)
        raw = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if secret.startswith(SECRET_PREFIX) and len(raw) in SECRET_BYTES:
        return secret
    message = f"A secret must be {SECRET_PREFIX} followed by the base64 of 24 to 64 bytes."
    raise Invalid("invalid_secret", message, errors=[FieldError("secret", message)])


def format_secret(raw: bytes) -> str:
    """Format random bytes as a secret."""
    return SECRET_PREFIX + base64.b64encode(raw).decode()


def validate_events(events: Sequence[str]) -> list[str]:
    """Return the event types of an endpoint, each once. Raises Invalid."""
    unknown = [
        FieldError(f"events.{index}", f"unknown event type {event!r}")
        for index, event in enumerate(events)
        if event != ALL_EVENTS and event not in EVENT_TYPES
    ]
    if not events:
        unknown = [FieldError("events", "name at least one event type, or *")]
    if unknown:
        raise Invalid("unknown_event", "Some event types are unknown.", errors=unknown)
    return list(dict.fromkeys(events))


def message_body(event_type: str, at: datetime, data: Mapping[str, object]) -> bytes:
    """Return `{type, timestamp, data}` as UTF-8 JSON; equal values give equal bytes."""
    body = {"type": event_type, "timestamp": wire_time(at), "data": data}
    return json.dumps(body, default=_plain, separators=(",", ":"), ensure_ascii=False).encode()


def wire_time(at: datetime) -> str:
    """Format an instant as RFC 3339 in UTC with Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _plain(value: object) -> str:
    match value:
        case datetime():
            return wire_time(value)
        case UUID():
            return str(value)
        case _:
            raise TypeError(f"{type(value).__name__} cannot be serialized in a webhook")


class HasSecret(Protocol):
    """A row with an encrypted secret and, during rotation, the previous one."""

    secret_sealed: str
    old_secret_sealed: str | None
    old_until: datetime | None


def validate_or_generate(secret: str | None) -> str:
    """Return the given secret, validated, or a new one. Raises Invalid(`invalid_secret`)."""
    return validate_secret(secret) if secret is not None else format_secret(secrets.token_bytes(32))


def replace_secret(secret_box: SecretBox, holder: HasSecret, secret: str, now: datetime) -> None:
    """Replace the secret; the previous one stays valid for 24 h, unless it can no longer be read."""
    try:
        previous = secret_box.open(holder.secret_sealed)
    except DecryptionError:
        previous = None
    if previous == secret:
        return
    readable = previous is not None
    holder.old_secret_sealed, holder.old_until = (holder.secret_sealed, now + ROTATION) if readable else (None, None)
    holder.secret_sealed = secret_box.seal(secret)


def valid_secrets(secret_box: SecretBox, holder: HasSecret, now: datetime) -> tuple[str, ...]:
    """Return the secrets to sign with, newest first."""
    current = secret_box.open(holder.secret_sealed)
    if holder.old_secret_sealed is None or holder.old_until is None or now >= holder.old_until:
        return (current,)
    return (current, secret_box.open(holder.old_secret_sealed))
