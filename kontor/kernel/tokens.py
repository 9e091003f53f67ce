"""Signed tokens for links: each is valid for one purpose and expires."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from itsdangerous import BadData, URLSafeSerializer

from kontor.kernel.errors import Gone, NotFound

LONGEST: Final = 2_000


@dataclass(frozen=True, slots=True)
class Tokens:
    """Signs and verifies tokens. Their content is signed, not encrypted: anyone with the token can read it.

    `former`: earlier keys, newest first; what they signed is still accepted.
    """

    secret_key: str = field(repr=False)
    former: tuple[str, ...] = field(default=(), repr=False)

    def make(self, purpose: str, content: Mapping[str, object], expires_at: datetime) -> str:
        """Return a URL-safe token; the same input gives the same token."""
        body = {**content, "exp": int(expires_at.timestamp())}
        return self._serializer(purpose).dumps(body)

    def read(self, purpose: str, token: str, now: datetime) -> dict[str, Any]:
        """Verify a token and return its content. Raises NotFound (forged), Gone (expired)."""
        body = self.read_expired(purpose, token)
        if now >= body.pop("exp"):
            raise Gone("expired", "This link has expired.")
        return body

    def read_expired(self, purpose: str, token: str) -> dict[str, Any]:
        """Verify a token but not its expiry; return its content with `exp` as an aware instant. Raises NotFound."""
        if len(token) > LONGEST or not token.isascii():
            raise NotFound("unknown_token", "This link is not valid.")
        try:
            body = self._serializer(purpose).loads(token)
        except BadData:
            raise NotFound("unknown_token", "This link is not valid.") from None
        return {**body, "exp": datetime.fromtimestamp(body["exp"], UTC)}

    def _serializer(self, purpose: str) -> URLSafeSerializer:
        return URLSafeSerializer(
            [*reversed(self.former), self.secret_key],
            salt=f"kontor.{purpose}",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )
