"""Signed capabilities that stand in links: unforgeable, for one purpose, for a while."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from itsdangerous import BadData, URLSafeSerializer

from domain.errors import Gone, NotFound

LONGEST: Final = 2_000


@dataclass(frozen=True, slots=True)
class Tokens:
    """Makes and reads tokens. What a token carries can be read by anyone who has it."""

    secret_key: str

    def make(self, purpose: str, carried: Mapping[str, Any], expires_at: datetime) -> str:
        """A token in URL-safe characters; the same input gives the same token."""
        body = {**carried, "exp": int(expires_at.timestamp())}
        return self._serializer(purpose).dumps(body)

    def read(self, purpose: str, token: str, now: datetime) -> dict[str, Any]:
        """What `make` was given, once it is sure. Raises NotFound (forged), Gone (expired)."""
        body = self.read_expired(purpose, token)
        if now >= body.pop("exp"):
            raise Gone("expired", "This link has expired.")
        return body

    def read_expired(self, purpose: str, token: str) -> dict[str, Any]:
        """`read` whatever the time is, with `exp` as an aware instant. Raises NotFound."""
        if len(token) > LONGEST or not token.isascii():
            raise NotFound("unknown_token", "This link is not one of ours.")
        try:
            body = self._serializer(purpose).loads(token)
        except BadData:
            raise NotFound("unknown_token", "This link is not one of ours.") from None
        return {**body, "exp": datetime.fromtimestamp(body["exp"], UTC)}

    def _serializer(self, purpose: str) -> URLSafeSerializer:
        return URLSafeSerializer(
            self.secret_key,
            salt=f"kontor.{purpose}",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )
