"""Addresses as headers write them."""

import re
from dataclasses import dataclass

import idna

from mail.plain import one_line

_QUOTED_LOCAL = re.compile(r'"(?:[ !#-\[\]-~]|\\["\\])+"')

_LABEL = "[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


class BadAddress(ValueError):
    """The address cannot stand in a header or an envelope."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """Someone a mail goes to; `role` is what the log calls them (`client`, `reseller`, …)."""

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
        raise BadAddress(f"not a mail address: {address!r}")
    if not address.isprintable():
        raise BadAddress(f"not a mail address: {address!r}")
    if not _plain_local(local) and not _QUOTED_LOCAL.fullmatch(local):
        raise BadAddress(f"not a mail address: {address!r}")
    return f"{local}@{ascii_domain(domain)}"


def ascii_domain(domain: str) -> str:
    """Return a domain in lower-case ASCII, labels in other scripts as `xn--…`. Raises BadAddress."""
    try:
        wired = domain.lower() if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii").lower()
    except idna.IDNAError as wrong:
        raise BadAddress(f"not a domain: {domain!r}") from wrong
    if not _DOMAIN.fullmatch(wired):
        raise BadAddress(f"not a domain: {domain!r}")
    return wired


def domain_of(address: str) -> str:
    """Return the domain of an address, lower case and in ASCII."""
    return ascii_domain(address.rpartition("@")[2])


def _plain_local(local: str) -> bool:
    return not any(sign in ' <>()[],:;@\\"' for sign in local)
