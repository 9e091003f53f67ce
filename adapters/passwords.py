"""Passwords hashed with argon2id."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import CHEAPEST

from domain.credentials import canonical_password

NOBODY = "no account has this password \x00"


class Argon2Passwords:
    """Obeys domain.credentials.PasswordHasher with the library's recommended costs."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._decoy = self._hasher.hash(NOBODY)

    @classmethod
    def cheap(cls) -> Argon2Passwords:
        """The same with the least cost, for tests and simulations."""
        return cls(PasswordHasher.from_parameters(CHEAPEST))

    def hash(self, plain: str) -> str:
        """A PHC string such as `$argon2id$v=19$…`."""
        return self._hasher.hash(canonical_password(plain))

    def verify(self, stored: str | None, plain: str) -> bool:
        """Whether the password fits; a missing or broken hash takes as long and never fits."""
        try:
            self._hasher.verify(stored or self._decoy, canonical_password(plain))
        except (VerificationError, InvalidHashError):
            return False
        return bool(stored)
