"""Mail addresses, and whose address stands in which header (programme.md 3.2, 3.3)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kontor.kernel.ports import ascii_domain
from kontor.mailer.formatting import one_line

_QUOTED_LOCAL = re.compile(r'"(?:[ !#-\[\]-~]|\\["\\])+"')


class InvalidAddress(ValueError):
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
    """Return `local@domain` with the domain in ASCII (IDNA). Raises InvalidAddress."""
    local, at, domain = address.strip().rpartition("@")
    if not at or not local or not domain or len(address) > 320:
        raise InvalidAddress(f"not a valid mail address: {address!r}")
    if not address.isprintable():
        raise InvalidAddress(f"not a valid mail address: {address!r}")
    if not _plain_local(local) and not _QUOTED_LOCAL.fullmatch(local):
        raise InvalidAddress(f"not a valid mail address: {address!r}")
    return f"{local}@{_domain(domain)}"


def domain_of(address: str) -> str:
    """Return the domain of an address, lower case and in ASCII. Raises InvalidAddress."""
    return _domain(address.rpartition("@")[2])


def _domain(domain: str) -> str:
    try:
        return ascii_domain(domain)
    except ValueError as error:
        raise InvalidAddress(f"not a valid domain: {domain!r}") from error


def _plain_local(local: str) -> bool:
    return not any(char in ' <>()[],:;@\\"' for char in local)


@dataclass(frozen=True, slots=True)
class OutgoingAddress:
    """The address that a reseller chose for its mails, and whether its domain is verified."""

    address: str
    verified: bool


@dataclass(frozen=True, slots=True)
class SenderIdentity:
    """Identity headers (`From`, optional `Sender` and `Reply-To`) and the bounce address."""

    author: Addressee
    sender: str | None
    reply_to: str | None
    envelope: str
    domain: str


def provider_address(defaults: Mapping[str, str], locale: str) -> str:
    """Return the provider's address for a locale, else for its language, else `en`, else the first one."""
    for key in (locale, locale.partition("-")[0], "en"):
        if key in defaults:
            return wire_address(defaults[key])
    return wire_address(next(iter(defaults.values())))


def sender_for(
    brand_name: str,
    outgoing: OutgoingAddress | None,
    defaults: Mapping[str, str],
    locale: str,
    bounce: str,
    contact: str | None = None,
) -> SenderIdentity:
    """Choose the identity headers. `Sender` is set whenever `From` is in another domain.

    `Reply-To` is the chosen address while it is not verified; without a chosen one, the contact.
    """
    ours = provider_address(defaults, locale)
    domain = domain_of(ours)
    chosen = wire_address(outgoing.address) if outgoing else None
    if outgoing and outgoing.verified and chosen:
        foreign = domain_of(chosen) != domain
        return SenderIdentity(
            author=Addressee(chosen, brand_name, "author"),
            sender=ours if foreign else None,
            reply_to=None,
            envelope=wire_address(bounce),
            domain=domain,
        )
    return SenderIdentity(
        author=Addressee(ours, brand_name, "author"),
        sender=None,
        reply_to=chosen or (wire_address(contact) if contact else None),
        envelope=wire_address(bounce),
        domain=domain,
    )
