"""What DNS says of a domain of a brand: the record that proves it, and those by which receivers judge its mails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kontor.http.context import Deps
from kontor.kernel.errors import FieldError, Invalid
from kontor.kernel.ports import DnsUnavailable, txt_name
from kontor.kernel.validation import domain_name

LONGEST: Final = 500
SPF: Final = "v=spf1"
DMARC: Final = "v=DMARC1"
DKIM: Final = "p="


@dataclass(frozen=True, slots=True)
class DomainAnswers:
    """`proof`: the TXT strings of the name that proves the domain, or why there was no answer.

    `records`: what was seen as `spf`, `dkim` and `dmarc`; None without such a record. One that DNS gave no answer for
    is not among them.
    """

    proof: Sequence[str] | DnsUnavailable
    records: Mapping[str, str | None]


async def look_up(deps: Deps, domain: str, tenant: str) -> DomainAnswers:
    """Ask DNS on behalf of a tenant. Raises Invalid for what is no domain."""
    try:
        name = domain_name(domain)
    except ValueError as error:
        raise Invalid(errors=[FieldError("domain", str(error))]) from None
    asked = {
        "spf": (name, SPF),
        "dkim": (f"{deps.dkim_selector}._domainkey.{name}", DKIM),
        "dmarc": (f"_dmarc.{name}", DMARC),
    }
    records: dict[str, str | None] = {}
    for kind, (place, mark) in asked.items():
        answer = await _txt(deps, place, tenant)
        if not isinstance(answer, DnsUnavailable):
            records[kind] = next((text[:LONGEST] for text in answer if mark.lower() in text.lower()), None)
    return DomainAnswers(await _txt(deps, txt_name(name), tenant), records)


async def _txt(deps: Deps, name: str, tenant: str) -> Sequence[str] | DnsUnavailable:
    try:
        return await deps.txt(name, tenant)
    except DnsUnavailable as error:
        return error
