"""White label: what a reseller set, and in whose name an account is spoken to."""

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
    """In whose name an account is spoken to, and from which address that one chose to write."""

    brand: Brand
    outgoing: Outgoing | None


def put(session: Session, account: Account, settings: BrandSettings, now: datetime) -> BrandRow:
    """Replace an account's brand; a domain that is named for the first time awaits its proof."""
    values = {"account_id": account.id, "updated_at": now, **settings.columns()}
    stored = rows.put(session, values)
    for domain in settings.domains():
        rows.claim_domain(session, owner_of(account), domain, secrets.token_urlsafe(24), now)
    return stored


def get(session: Session, account: Account) -> BrandRow | None:
    """What was set for an account itself."""
    return rows.by_account(session, account.id)


def document(session: Session, account: Account) -> dict[str, Any]:
    """The JSON shape of an account's brand, with what DNS must say of its domains."""
    row = rows.by_account(session, account.id)
    settings = BrandSettings.of(row)
    named = settings.domains()
    found = rows.domain_claims(session, account_id=owner_of(account))
    claims = [one for one in found if one.domain in named]
    return {**settings.document(), "domains": [domain_document(one) for one in claims]}


def brand_for(session: Session, account: Account, provider: Brand, *, reseller: Account | None = None) -> Voice:
    """How an account's admin is spoken to: its reseller's brand, else the provider's.

    `reseller` speaks instead of the account's own, as for an offer to somebody's former client.
    """
    found = rows.voices(session, account.id, reseller.id if reseller else None)
    if found is None:
        raise NotFound
    return voice_of(found, provider)


def voice_of(found: Voices, provider: Brand) -> Voice:
    """The reseller's brand with what it set otherwise for this client; the provider's without one."""
    if found.reseller is None:
        return Voice(provider, None)
    own = BrandSettings.of(found.own if found.kind == AccountKind.CLIENT else None)
    theirs = BrandSettings.of(found.theirs)
    brand = Brand(
        name=theirs.name or found.reseller,
        link_base=link_base(own, found.proven, provider.link_base),
        logo_url=own.logo_url or theirs.logo_url,
        favicon_url=own.favicon_url or theirs.favicon_url,
        colours=_colours({**theirs.colours, **own.colours}),
        support=Support(**theirs.support),
    )
    return Voice(brand, _outgoing(own.from_address or theirs.from_address, found.proven))


def link_base(own: BrandSettings, proven: frozenset[str], public_url: str) -> str:
    """The client's own domain when it is set and verified, otherwise PUBLIC_URL (programme.md 3.5)."""
    return f"https://{own.domain}" if own.domain and own.domain in proven else public_url


def _outgoing(address: str | None, proven: frozenset[str]) -> Outgoing | None:
    return Outgoing(address, domain_of(address) in proven) if address else None


def _colours(chosen: Mapping[str, str]) -> Colours:
    return Colours(**{name: chosen[name] for name in COLOUR_NAMES if name in chosen})
