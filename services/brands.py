"""White label: stored brands, and the brand and sender an account's admin sees."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from domain.errors import NotFound
from mail.addresses import domain_of
from mail.brand import Brand, Support
from mail.colours import Colours
from mail.identity import Outgoing
from models.accounts import Account, AccountKind
from models.brands import BrandRow
from services.brand_settings import BrandSettings
from services.domains import document as domain_document
from services.domains import owner_of
from store import brands as rows
from store.brands import Voices

COLOUR_NAMES: Final = ("primary", "background", "text")


@dataclass(frozen=True, slots=True)
class Voice:
    """The brand an account's admin sees, and the From address chosen for it (None: the provider's)."""

    brand: Brand
    outgoing: Outgoing | None


def put(session: Session, account: Account, settings: BrandSettings, now: datetime) -> BrandRow:
    """Replace an account's brand; a new domain stays unverified until it is proven."""
    values = {"account_id": account.id, "updated_at": now, **settings.columns()}
    stored = rows.put(session, values)
    for domain in settings.domains():
        rows.claim_domain(session, owner_of(account), domain, secrets.token_urlsafe(24), now)
    return stored


def get(session: Session, account: Account) -> BrandRow | None:
    """Return the brand stored for the account itself, if any."""
    return rows.by_account(session, account.id)


def document(session: Session, account: Account) -> dict[str, Any]:
    """Return the JSON shape of an account's brand, with the DNS records that verify its domains."""
    row = rows.by_account(session, account.id)
    settings = BrandSettings.of(row)
    domains = settings.domains()
    claims = rows.domain_claims(session, account_id=owner_of(account))
    shown = [claim for claim in claims if claim.domain in domains]
    return {**settings.document(), "domains": [domain_document(claim) for claim in shown]}


def brand_for(session: Session, account: Account, provider: Brand, *, reseller: Account | None = None) -> Voice:
    """Return the brand an account's admin sees: its reseller's, otherwise the provider's.

    `reseller` replaces the account's own reseller, as for an offer to a former client.
    """
    row = rows.voices(session, account.id, reseller.id if reseller else None)
    if row is None:
        raise NotFound
    return voice_of(row, provider)


def voice_of(row: Voices, provider: Brand) -> Voice:
    """Merge the reseller's brand with the client's overrides; without a reseller, return the provider's."""
    if row.reseller is None:
        return Voice(provider, None)
    own = BrandSettings.of(row.own_brand if row.kind == AccountKind.CLIENT else None)
    inherited = BrandSettings.of(row.reseller_brand)
    brand = Brand(
        name=inherited.name or row.reseller,
        link_base=link_base(own, row.verified_domains, provider.link_base),
        logo_url=own.logo_url or inherited.logo_url,
        favicon_url=own.favicon_url or inherited.favicon_url,
        colours=_colours({**inherited.colours, **own.colours}),
        support=Support(**inherited.support),
    )
    return Voice(brand, _outgoing(own.from_address or inherited.from_address, row.verified_domains))


def link_base(own: BrandSettings, verified: frozenset[str], public_url: str) -> str:
    """Return the client's own domain if it is set and verified, otherwise PUBLIC_URL (programme.md 3.5)."""
    return f"https://{own.domain}" if own.domain and own.domain in verified else public_url


def _outgoing(address: str | None, verified: frozenset[str]) -> Outgoing | None:
    return Outgoing(address, domain_of(address) in verified) if address else None


def _colours(colours: Mapping[str, str]) -> Colours:
    return Colours(**{name: colours[name] for name in COLOUR_NAMES if name in colours})
