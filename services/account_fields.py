"""Validation of account fields; one error lists every invalid field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from domain.credentials import checked_password
from domain.errors import FieldError, Invalid
from domain.names import account_name, email_address
from domain.zones import zone
from models.accounts import Party

LOCALE: Final = re.compile(r"([A-Za-z]{2,3})((?:[-_][A-Za-z0-9]{2,8}){0,3})", re.ASCII)


def checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Validate fields and return them in stored form. Raises Invalid with every invalid field."""
    errors: list[FieldError] = []
    values: dict[str, Any] = {}
    for name, value in fields.items():
        try:
            values[name] = CHECKS[name](value)
        except KeyError:
            errors.append(FieldError(name, "There is no such field."))
        except ValueError as error:
            errors.append(FieldError(name, str(error)))
        except Invalid as error:
            errors.extend(error.errors)
    if errors:
        raise Invalid("invalid", "The account is not valid.", errors=errors)
    return values


def locale_tag(text: str) -> str:
    """Return a normalised language tag such as `de` or `de-AT`. Raises ValueError."""
    match = LOCALE.fullmatch(text)
    if not match:
        raise ValueError("must be a language tag such as de or de-AT")
    subtags = match[2].replace("_", "-").upper() if len(match[2]) == 3 else match[2].replace("_", "-")
    return match[1].lower() + subtags


def _text(check: Callable[[str], str]) -> Callable[[object], str]:
    def checked_text(value: object) -> str:
        if not isinstance(value, str):
            raise ValueError("must be text")  # noqa: TRY004 -- collected as a field error
        return check(value)

    return checked_text


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004 -- collected as a field error
    return value


def _party(text: str) -> str:
    return Party(text).value


CHECKS: Final[Mapping[str, Callable[[object], Any]]] = {
    "name": _text(account_name),
    "admin_email": _text(email_address),
    "password": _text(checked_password),
    "party": _text(_party),
    "locale": _text(locale_tag),
    "timezone": _text(lambda text: zone(text).key),
    "suspended": _boolean,
}
