"""Encryption at rest for secrets that must be read back: Fernet with a key derived from SECRET_KEY."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SEALED = "kontor:1:"


class BrokenSeal(ValueError):
    """The text was encrypted with another SECRET_KEY, or was modified."""


def derived_key(secret_key: str, purpose: str, length: int = 32) -> bytes:
    """Derive a separate key for each purpose (HKDF-SHA256, RFC 5869)."""
    hkdf = HKDF(algorithm=SHA256(), length=length, salt=b"kontor", info=purpose.encode())
    return hkdf.derive(secret_key.encode())


class FernetSealer:
    """Implements domain.ports.Sealer."""

    def __init__(self, secret_key: str) -> None:
        if not secret_key:
            raise ValueError("SECRET_KEY is empty")
        key = derived_key(secret_key, "secrets at rest")
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def seal(self, plain: str) -> str:
        """Encrypt text for storage; the same text gives a different result each time."""
        return SEALED + self._fernet.encrypt(plain.encode()).decode("ascii")

    def open(self, sealed: str) -> str:
        """Decrypt a result of `seal`. Raises BrokenSeal."""
        if not sealed.startswith(SEALED):
            raise BrokenSeal("not encrypted by Kontor")
        try:
            return self._fernet.decrypt(sealed.removeprefix(SEALED).encode()).decode()
        except InvalidToken:
            raise BrokenSeal("encrypted with another SECRET_KEY, or modified") from None
