"""Sender identity: author, sender, reply-to and bounce address (programme.md 3)."""

from collections.abc import Mapping
from dataclasses import dataclass

from mail.addresses import Addressee, domain_of, wire_address


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The address that a reseller chose for its mails, and whether its domain is verified."""

    address: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Sender:
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
    outgoing: Outgoing | None,
    defaults: Mapping[str, str],
    locale: str,
    bounce: str,
) -> Sender:
    """Choose the identity headers. `Sender` is set whenever `From` is in another domain."""
    ours = provider_address(defaults, locale)
    domain = domain_of(ours)
    chosen = wire_address(outgoing.address) if outgoing else None
    if outgoing and outgoing.verified and chosen:
        foreign = domain_of(chosen) != domain
        return Sender(
            author=Addressee(chosen, brand_name, "author"),
            sender=ours if foreign else None,
            reply_to=None,
            envelope=wire_address(bounce),
            domain=domain,
        )
    return Sender(
        author=Addressee(ours, brand_name, "author"),
        sender=None,
        reply_to=chosen,
        envelope=wire_address(bounce),
        domain=domain,
    )
