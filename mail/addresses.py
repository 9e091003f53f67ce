"""Mail addresses in the form that headers require."""

import re
from dataclasses import dataclass

from domain.mailing import ascii_domain
from mail.plain import one_line

_QUOTED_LOCAL = re.compile(r'"(?:[ !#-\[\]-~]|\\["\\])+"')


class BadAddress(ValueError):
    """The address is not valid in a header or an envelope."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """A recipient of a mail; `role` is the recipient's role in the mail log (`client`, `reseller`, …)."""

    email: str
    name: str = ""
    role: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "email", wire_address(self.email))
        object.__setattr__(self, "name", one_line(self.name))


def wire_address(address: str) -> str:
    """Return `local@domain` with the domain in ASCII (IDNA). Raises BadAddress."""
    local, at, domain = address.strip().rpartition("@")
    if not at or not local or not domain or len(address) > 320:
        raise BadAddress(f"not a valid mail address: {address!r}")
    if not address.isprintable():
        raise BadAddress(f"not a valid mail address: {address!r}")
    if not _plain_local(local) and not _QUOTED_LOCAL.fullmatch(local):
        raise BadAddress(f"not a valid mail address: {address!r}")
    return f"{local}@{_domain(domain)}"


def domain_of(address: str) -> str:
    """Return the domain of an address, lower case and in ASCII. Raises BadAddress."""
    return _domain(address.rpartition("@")[2])


def _domain(domain: str) -> str:
    try:
        return ascii_domain(domain)
    except ValueError as error:
        raise BadAddress(f"not a valid domain: {domain!r}") from error


def _plain_local(local: str) -> bool:
    return not any(char in ' <>()[],:;@\\"' for char in local)
