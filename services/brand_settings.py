"""Validation of brand settings, field by field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from domain.errors import FieldError, Invalid
from domain.names import account_name, colour, domain_name, email_address, https_url
from mail.addresses import domain_of
from mail.plain import many_lines, one_line
from models.brands import BrandRow
from store.brands import Brand as StoredBrand

COLOUR_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
SUPPORT_PARTS: Final = ("email", "url", "phone", "text")


@dataclass(frozen=True, slots=True)
class BrandSettings:
    """Validated brand settings; None or empty means not set."""

    name: str | None = None
    logo_url: str | None = None
    colours: Mapping[str, str] = field(default_factory=dict)
    favicon_url: str | None = None
    domain: str | None = None
    from_address: str | None = None
    support: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, row: BrandRow | StoredBrand | None) -> BrandSettings:
        """Build settings from a stored brand; empty settings without one."""
        if row is None:
            return cls()
        return cls(**{setting.name: getattr(row, setting.name) for setting in fields(cls)})

    def columns(self) -> dict[str, Any]:
        """Return the values of the table's columns."""
        return {
            **self.document(),
            "colours": dict(self.colours),
            "support": dict(self.support),
        }

    def document(self) -> dict[str, Any]:
        """Return the JSON shape of the API."""
        return {setting.name: getattr(self, setting.name) for setting in fields(self)}

    def domains(self) -> tuple[str, ...]:
        """Return the domains that require verification: that of links and that of the From address."""
        domains = [self.domain, domain_of(self.from_address) if self.from_address else None]
        return tuple(dict.fromkeys(domain for domain in domains if domain))


def checked(settings: Mapping[str, Any]) -> BrandSettings:
    """Validate brand settings. Raises Invalid with every invalid field."""
    errors = [FieldError(name, "There is no such setting.") for name in settings if name not in CHECKS]
    values: dict[str, Any] = {}
    for name, check in CHECKS.items():
        value = settings.get(name)
        if value is None or value in ("", {}):
            continue
        try:
            values[name] = check(value)
        except ValueError as error:
            errors.append(FieldError(name, str(error)))
    if errors:
        raise Invalid("invalid", "The brand is not valid.", errors=errors)
    return BrandSettings(**values)


def _text(value: object, max_length: int) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")  # noqa: TRY004 -- collected as a field error
    if len(value) > max_length:
        raise ValueError(f"must not be longer than {max_length} characters")
    return value


def _name(value: object) -> str:
    return account_name(_text(value, 200))


def _https_url(value: object) -> str:
    return https_url(_text(value, 2_000))


def _domain(value: object) -> str:
    return domain_name(_text(value, 253))


def _address(value: object) -> str:
    return email_address(_text(value, 254))


def _colours(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping) or len(value) > 20:
        raise ValueError("must be an object of at most 20 colours")
    for name in value:
        if not isinstance(name, str) or not COLOUR_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a colour name")
    return {name: colour(_text(hex_code, 7)) for name, hex_code in value.items()}


def _support(value: object) -> dict[str, str]:
    if isinstance(value, str):
        value = {_support_part(value): value}
    if not isinstance(value, Mapping):
        raise ValueError("must be text or an object")  # noqa: TRY004 -- collected as a field error
    unknown = [name for name in value if name not in SUPPORT_PARTS]
    if unknown:
        raise ValueError(f"has an unknown field {unknown[0]!r}; allowed: {', '.join(SUPPORT_PARTS)}")
    checks = {"email": _address, "url": _https_url, "phone": _name, "text": _note}
    return {name: checks[name](value[name]) for name in SUPPORT_PARTS if value.get(name)}


def _support_part(text: str) -> str:
    if text.startswith(("https://", "http://")):
        return "url"
    return "email" if "@" in text and " " not in text else "text"


def _note(value: object) -> str:
    return one_line(many_lines(_text(value, 500)))


CHECKS: Final[Mapping[str, Callable[[object], Any]]] = {
    "name": _name,
    "logo_url": _https_url,
    "colours": _colours,
    "favicon_url": _https_url,
    "domain": _domain,
    "from_address": _address,
    "support": _support,
}
