"""Passwords: the port through which they are hashed, and what one must look like."""

from __future__ import annotations

import unicodedata
from typing import Final, Protocol

from domain.errors import FieldError, Invalid

PASSWORD_MIN: Final = 8
PASSWORD_MAX: Final = 200


class PasswordHasher(Protocol):
    """A slow, salted hash. Both calls take tens of milliseconds on purpose."""

    def hash(self, plain: str) -> str:
        """A self-describing hash for storage."""

    def verify(self, stored: str | None, plain: str) -> bool:
        """Whether the password fits; None takes as long and never fits."""


def canonical_password(plain: str) -> str:
    """The form that is hashed: NFC, so that the same keys on two systems give one password."""
    return unicodedata.normalize("NFC", plain.encode("utf-8", "replace").decode("utf-8"))


def checked_password(plain: str, loc: str = "password") -> str:
    """`canonical_password` of a new password. Raises Invalid for one that is too short or long."""
    password = canonical_password(plain)
    if PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        return password
    message = f"A password has {PASSWORD_MIN} to {PASSWORD_MAX} characters."
    raise Invalid("invalid", message, errors=[FieldError(loc, message)])
