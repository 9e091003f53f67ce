"""What people type about an account, checked; every wrong field is named at once."""

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


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that were given, in the form in which they are kept. Raises Invalid."""
    errors: list[FieldError] = []
    values: dict[str, Any] = {}
    for name, value in given.items():
        try:
            values[name] = CHECKS[name](value)
        except KeyError:
            errors.append(FieldError(name, "There is no such field."))
        except ValueError as wrong:
            errors.append(FieldError(name, str(wrong)))
        except Invalid as wrong:
            errors.extend(wrong.errors)
    if errors:
        raise Invalid("invalid", "The account is not valid.", errors=errors)
    return values


def locale_tag(text: str) -> str:
    """A language tag such as `de` or `de-AT`; raises ValueError."""
    found = LOCALE.fullmatch(text)
    if not found:
        raise ValueError("a locale is written de or de-AT")
    rest = found[2].replace("_", "-").upper() if len(found[2]) == 3 else found[2].replace("_", "-")
    return found[1].lower() + rest


def _text(check: Callable[[str], str]) -> Callable[[object], str]:
    def checked_text(value: object) -> str:
        if not isinstance(value, str):
            raise ValueError("text is needed")  # noqa: TRY004 -- collected as a field's complaint
        return check(value)

    return checked_text


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false is needed")  # noqa: TRY004 -- a field's complaint
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
    "suspended": _truth,
}
