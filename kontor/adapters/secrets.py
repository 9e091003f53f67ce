"""Password hashing, and encryption at rest for secrets that must be read back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import CHEAPEST
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kontor.kernel.data_keys import DataKeys, DecryptionError, KeyPurpose
from kontor.kernel.ports import canonical_password

SEALED = "kontor:1:"
"""Begins a text that SECRET_KEY itself encrypted, as earlier releases did."""

SEALED_BY_DATA_KEY = "kontor:2:"


def derive_key(secret_key: str, purpose: str, length: int = 32) -> bytes:
    """Derive a separate key for each purpose (HKDF-SHA256, RFC 5869)."""
    hkdf = HKDF(algorithm=SHA256(), length=length, salt=b"kontor", info=purpose.encode())
    return hkdf.derive(secret_key.encode())


DERIVATIONS = {
    KeyPurpose.REQUESTS: "api",
    KeyPurpose.SECRETS: "secrets at rest",
    KeyPurpose.AUDIT: "audit log",
}


@dataclass(frozen=True, slots=True)
class DerivedKeys:
    """Implements kontor.kernel.data_keys.DataKeys as earlier releases did: every key is derived from SECRET_KEY."""

    secret_key: str = field(repr=False)

    def key(self, purpose: KeyPurpose) -> bytes:
        """Return the key that an earlier release used for a purpose; the audit log had none."""
        if purpose is KeyPurpose.OFFERS:
            return hmac.new(self.secret_key.encode(), b"kontor offer events", hashlib.sha256).digest()
        return derive_key(self.secret_key, DERIVATIONS[purpose])


class FernetSecretBox:
    """Implements kontor.kernel.ports.SecretBox with SECRET_KEY itself, as earlier releases did."""

    def __init__(self, secret_key: str) -> None:
        if not secret_key:
            raise ValueError("SECRET_KEY is empty")
        key = derive_key(secret_key, "secrets at rest")
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def seal(self, plain: str) -> str:
        """Encrypt text for storage; the same text gives a different result each time."""
        return SEALED + self._fernet.encrypt(plain.encode()).decode("ascii")

    def open(self, sealed: str) -> str:
        """Decrypt a result of `seal`. Raises DecryptionError."""
        if not sealed.startswith(SEALED):
            raise DecryptionError("not encrypted by Kontor")
        try:
            return self._fernet.decrypt(sealed.removeprefix(SEALED).encode()).decode()
        except InvalidToken:
            raise DecryptionError("encrypted with another SECRET_KEY, or modified") from None


class DataKeyBox:
    """Implements kontor.kernel.ports.SecretBox with a data key; also opens what earlier releases sealed.

    `secret_keys`: the keys that may have sealed it, newest first.
    """

    def __init__(self, keys: DataKeys, secret_keys: Sequence[str]) -> None:
        self._keys = keys
        self._former = tuple(FernetSecretBox(key) for key in secret_keys)

    def seal(self, plain: str) -> str:
        """Encrypt text for storage; the same text gives a different result each time."""
        return SEALED_BY_DATA_KEY + self._fernet().encrypt(plain.encode()).decode("ascii")

    def open(self, sealed: str) -> str:
        """Decrypt a result of `seal`, of this release or an earlier one. Raises DecryptionError."""
        if sealed.startswith(SEALED_BY_DATA_KEY):
            try:
                return self._fernet().decrypt(sealed.removeprefix(SEALED_BY_DATA_KEY).encode()).decode()
            except InvalidToken:
                raise DecryptionError("encrypted with another data key, or modified") from None
        for box in self._former:
            try:
                return box.open(sealed)
            except DecryptionError:
                continue
        raise DecryptionError("encrypted with a SECRET_KEY that is not listed, or modified")

    def _fernet(self) -> Fernet:
        return Fernet(base64.urlsafe_b64encode(self._keys.key(KeyPurpose.SECRETS)))


HASHES_AT_ONCE = len(os.sched_getaffinity(0))
"""Hashes computed at once in a process; each takes a core for tens of milliseconds."""

_hashing = BoundedSemaphore(HASHES_AT_ONCE)
DECOY = "no account has this password \x00"


class Argon2Passwords:
    """Implements kontor.kernel.ports.PasswordHasher with the library's recommended costs, on one core per hash."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._decoy = self._hasher.hash(DECOY)

    @classmethod
    def cheap(cls) -> Argon2Passwords:
        """Return a hasher with the lowest cost, for tests and simulations."""
        return cls(PasswordHasher.from_parameters(CHEAPEST))

    def hash(self, plain: str) -> str:
        """Return a PHC string such as `$argon2id$v=19$…`."""
        with _hashing:
            return self._hasher.hash(canonical_password(plain))

    def verify(self, stored: str | None, plain: str) -> bool:
        """Whether the password matches; a missing or malformed hash takes as long and never matches."""
        try:
            with _hashing:
                self._hasher.verify(stored or self._decoy, canonical_password(plain))
        except (VerificationError, InvalidHashError):
            return False
        return bool(stored)
