"""Metadata of orders and services: one for the operator, one for the reseller; each sees and writes its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from kontor.kernel.errors import FieldError, Invalid

MOST_KEYS: Final = 50
KEY_LENGTH: Final = 40
VALUE_LENGTH: Final = 500
OPERATOR: Final = "operator"
RESELLER: Final = "reseller"


@dataclass(frozen=True, slots=True)
class Notes:
    """The metadata that a caller writes. `side`: whose it is."""

    side: str
    values: Mapping[str, str]

    def added_to(self, stored: Mapping[str, JsonValue] | None) -> dict[str, JsonValue]:
        """Return what is stored with this side replaced. Raises Invalid for too many keys, or too long ones."""
        if len(self.values) > MOST_KEYS:
            raise _invalid("metadata", f"Metadata has at most {MOST_KEYS} keys.")
        for key, value in self.values.items():
            if not 1 <= len(key) <= KEY_LENGTH or len(value) > VALUE_LENGTH:
                message = f"A key has 1 to {KEY_LENGTH} characters, a value at most {VALUE_LENGTH}."
                raise _invalid(f"metadata.{key[:KEY_LENGTH]}", message)
        return {**(stored or {}), self.side: dict(self.values)}


def shown(stored: Mapping[str, JsonValue] | None, side: str) -> dict[str, str]:
    """Return the metadata of one side."""
    own = (stored or {}).get(side)
    return {key: str(value) for key, value in own.items()} if isinstance(own, dict) else {}


def _invalid(field: str, message: str) -> Invalid:
    return Invalid("invalid", message, errors=[FieldError(field, message)])
