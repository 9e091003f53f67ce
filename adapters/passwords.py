"""Passwords hashed with argon2id."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import CHEAPEST

from domain.credentials import canonical_password

NOBODY = "no account has this password \x00"


class Argon2Passwords:
    """Implements domain.credentials.PasswordHasher with the library's recommended costs."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._decoy = self._hasher.hash(NOBODY)

    @classmethod
    def cheap(cls) -> Argon2Passwords:
        """Return a hasher with the lowest cost, for tests and simulations."""
        return cls(PasswordHasher.from_parameters(CHEAPEST))

    def hash(self, plain: str) -> str:
        """Return a PHC string such as `$argon2id$v=19$…`."""
        return self._hasher.hash(canonical_password(plain))

    def verify(self, stored: str | None, plain: str) -> bool:
        """Whether the password matches; a missing or malformed hash takes as long and never matches."""
        try:
            self._hasher.verify(stored or self._decoy, canonical_password(plain))
        except (VerificationError, InvalidHashError):
            return False
        return bool(stored)
