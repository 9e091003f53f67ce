"""Passwords: the hashing port and the rules for a new password."""

from __future__ import annotations

import unicodedata
from typing import Final, Protocol

from domain.errors import FieldError, Invalid

PASSWORD_MIN: Final = 8
PASSWORD_MAX: Final = 200


class PasswordHasher(Protocol):
    """A slow, salted hash; both calls deliberately take tens of milliseconds."""

    def hash(self, plain: str) -> str:
        """Return a self-describing hash for storage."""

    def verify(self, stored: str | None, plain: str) -> bool:
        """Return whether the password matches; None never matches and takes equally long."""


def canonical_password(plain: str) -> str:
    """Return the form to hash: NFC, so that the same keys on two systems give one password."""
    return unicodedata.normalize("NFC", plain.encode("utf-8", "replace").decode("utf-8"))


def checked_password(plain: str, loc: str = "password") -> str:
    """Return `canonical_password` of a new password. Raises Invalid if it is too short or too long."""
    password = canonical_password(plain)
    if PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        return password
    message = f"A password must have {PASSWORD_MIN} to {PASSWORD_MAX} characters."
    raise Invalid("invalid", message, errors=[FieldError(loc, message)])
