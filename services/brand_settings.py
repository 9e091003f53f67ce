"""What may be set of a brand, checked field by field."""

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
    """A checked brand; None or empty: not set."""

    name: str | None = None
    logo_url: str | None = None
    colours: Mapping[str, str] = field(default_factory=dict)
    favicon_url: str | None = None
    domain: str | None = None
    from_address: str | None = None
    support: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, row: BrandRow | StoredBrand | None) -> BrandSettings:
        """What is stored; nothing when there is no row."""
        if row is None:
            return cls()
        return cls(**{one.name: getattr(row, one.name) for one in fields(cls)})

    def columns(self) -> dict[str, Any]:
        """The values of the table's columns."""
        return {
            **self.document(),
            "colours": dict(self.colours),
            "support": dict(self.support),
        }

    def document(self) -> dict[str, Any]:
        """The JSON shape of the contract."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def domains(self) -> tuple[str, ...]:
        """The domains that need a proof: of the links, and of the outgoing address."""
        named = [self.domain, domain_of(self.from_address) if self.from_address else None]
        return tuple(dict.fromkeys(one for one in named if one))


def checked(given: Mapping[str, Any]) -> BrandSettings:
    """Check every field. Raises Invalid that names each wrong one."""
    errors = [FieldError(name, "There is no such setting.") for name in given if name not in CHECKS]
    values: dict[str, Any] = {}
    for name, check in CHECKS.items():
        value = given.get(name)
        if value is None or value in ("", {}):
            continue
        try:
            values[name] = check(value)
        except ValueError as wrong:
            errors.append(FieldError(name, str(wrong)))
    if errors:
        raise Invalid("invalid", "The brand is not valid.", errors=errors)
    return BrandSettings(**values)


def _text(value: object, longest: int) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")  # noqa: TRY004 -- collected as a field's complaint
    if len(value) > longest:
        raise ValueError(f"must not be longer than {longest} characters")
    return value


def _name(value: object) -> str:
    return account_name(_text(value, 200))


def _https(value: object) -> str:
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
            raise ValueError(f"{name!r} is not a colour's name")
    return {name: colour(_text(chosen, 7)) for name, chosen in value.items()}


def _support(value: object) -> dict[str, str]:
    if isinstance(value, str):
        value = {_support_part(value): value}
    if not isinstance(value, Mapping):
        raise ValueError("must be text or an object")  # noqa: TRY004 -- a field's complaint
    unknown = [name for name in value if name not in SUPPORT_PARTS]
    if unknown:
        raise ValueError(f"has no {unknown[0]!r}; it takes {', '.join(SUPPORT_PARTS)}")
    checks = {"email": _address, "url": _https, "phone": _name, "text": _note}
    return {name: checks[name](value[name]) for name in SUPPORT_PARTS if value.get(name)}


def _support_part(text: str) -> str:
    if text.startswith(("https://", "http://")):
        return "url"
    return "email" if "@" in text and " " not in text else "text"


def _note(value: object) -> str:
    return one_line(many_lines(_text(value, 500)))


CHECKS: Final[Mapping[str, Callable[[object], Any]]] = {
    "name": _name,
    "logo_url": _https,
    "colours": _colours,
    "favicon_url": _https,
    "domain": _domain,
    "from_address": _address,
    "support": _support,
}
