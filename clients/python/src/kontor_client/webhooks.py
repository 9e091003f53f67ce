"""Verification of Kontor's webhooks and pushes (Standard Webhooks 1.0)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from kontor_client.errors import KontorError

PREFIX: Final = "whsec_"
VERSION: Final = "v1"
TOLERANCE: Final = 300.0
"""Seconds that a message may be old, or that clocks may differ."""


class NotVerified(KontorError):
    """The message is not Kontor's, or too old: answer 400 and do nothing."""


@dataclass(frozen=True, slots=True)
class Message:
    """A verified message.

    `id` is the same on every try of the same thing: do nothing and answer 2xx when it has been done already (`Seen`).
    """

    id: str
    type: str
    timestamp: str
    data: dict[str, Any]


class Webhooks:
    """Verifies messages by the secrets of their endpoint: several while one is replaced."""

    def __init__(self, *secrets: str, tolerance: float = TOLERANCE, clock: Callable[[], float] = time.time) -> None:
        if not secrets:
            raise ValueError("name at least one secret")
        self._keys = [key_of(secret) for secret in secrets]
        self._tolerance = tolerance
        self._clock = clock

    def verify(self, headers: Mapping[str, str], body: bytes) -> Message:
        """Return the message of a request with these headers and this body as received. Raises NotVerified."""
        named = {name.lower(): value for name, value in headers.items()}
        try:
            message_id, sent_at = named["webhook-id"], named["webhook-timestamp"]
            signatures = named["webhook-signature"].split()
        except KeyError as missing:
            raise NotVerified(f"The header {missing.args[0]} is missing.") from None
        self._require_fresh(sent_at)
        content = b".".join([message_id.encode(), sent_at.encode(), body])
        expected = [signature_of(key, content) for key in self._keys]
        if not any(hmac.compare_digest(own.encode(), sent.encode()) for own in expected for sent in signatures):
            raise NotVerified("No signature fits.")
        document = json.loads(body)
        return Message(message_id, document["type"], document["timestamp"], document["data"])

    def _require_fresh(self, sent_at: str) -> None:
        try:
            age = self._clock() - int(sent_at)
        except ValueError:
            raise NotVerified("The timestamp is no number of seconds.") from None
        if abs(age) > self._tolerance:
            raise NotVerified(f"The message is {age:.0f} seconds old.")


class Seen:
    """Remembers the ids of the last messages of this process, for receivers that keep no ids themselves."""

    def __init__(self, size: int = 10_000) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._size = size
        self._lock = Lock()

    def first(self, message_id: str) -> bool:
        """Whether this id comes for the first time; remembers it."""
        with self._lock:
            if message_id in self._ids:
                self._ids.move_to_end(message_id)
                return False
            self._ids[message_id] = None
            if len(self._ids) > self._size:
                self._ids.popitem(last=False)
            return True


def key_of(secret: str) -> bytes:
    """Return the bytes of a secret `whsec_…`. Raises ValueError."""
    text = secret.removeprefix(PREFIX)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise ValueError(f"A secret is {PREFIX} and base64.") from None


def signature_of(key: bytes, content: bytes) -> str:
    """Return the signature `v1,…` of a message's content."""
    return f"{VERSION},{base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()}"


def sign(secrets: Iterable[str], message_id: str, sent_at: int, body: bytes) -> dict[str, str]:
    """Return the headers of a message, as Kontor signs it: for tests of a receiver."""
    content = b".".join([message_id.encode(), str(sent_at).encode(), body])
    signatures = " ".join(signature_of(key_of(secret), content) for secret in secrets)
    return {"webhook-id": message_id, "webhook-timestamp": str(sent_at), "webhook-signature": signatures}
