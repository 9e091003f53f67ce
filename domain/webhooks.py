"""Standard Webhooks 1.0 in Kontor: event types, secrets and bodies."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from domain.errors import FieldError, Invalid

EVENT_TYPES: Final = (
    "offer.delivered",
    "offer.withdrawn",
    "licences.granted",
    "offer.accepted",
    "offer.rejected",
    "offer.cancelled",
    "trial.started",
    "trial.ended",
    "quota.exceeded",
    "discount.changed",
    "charge.created",
    "account.connected",
    "account.disconnected",
    "account.merged",
    "account.deleted",
    "job.dead",
)
EVERYTHING: Final = "*"
PREFIX: Final = "whsec_"
SECRET_BYTES: Final = range(24, 65)
ROTATION: Final = timedelta(hours=24)


def checked_secret(secret: str) -> str:
    """Return the secret if it is `whsec_` plus the base64 of 24 to 64 bytes. Raises Invalid."""
    try:
        text = secret.removeprefix(PREFIX)
        raw = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if secret.startswith(PREFIX) and len(raw) in SECRET_BYTES:
        return secret
    message = f"A secret must be {PREFIX} followed by the base64 of 24 to 64 bytes."
    raise Invalid("invalid_secret", message, errors=[FieldError("secret", message)])


def written_secret(raw: bytes) -> str:
    """Format random bytes as a secret."""
    return PREFIX + base64.b64encode(raw).decode()


def checked_events(events: Sequence[str]) -> list[str]:
    """Return the event types of an endpoint, each once. Raises Invalid."""
    unknown = [
        FieldError(f"events.{index}", f"unknown event type {event!r}")
        for index, event in enumerate(events)
        if event != EVERYTHING and event not in EVENT_TYPES
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
