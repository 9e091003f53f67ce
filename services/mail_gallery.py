"""Sample mails with made-up facts, in the brand of any provider, reseller or account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import NotFound
from domain.programme import Programme
from mail.addresses import Addressee
from mail.brand import Brand
from mail.build import Letter, kind_of
from mail.identity import Sender, sender_for
from mail.kinds import Audience
from mail.samples import LINKS, sample_addressee, sample_facts
from models.accounts import Account, AccountKind
from services import programmes as applied
from services.brands import Voice, voice_of
from services.dispatch import provider, signature
from services.programmes import Programmes
from store import brands

OURS: Final = "Kontor"
CLIENT: Final = "admin@elbe.example"
RESELLER: Final = "ops@nordlicht.example"
READERS: Final = {Audience.RESELLER: RESELLER, Audience.OPERATOR: "duty@kontor.example"}
NOBODY: Final = "noreply@kontor.example"


@dataclass(frozen=True, slots=True)
class Speaker:
    """The sender of sample mails; `key` identifies it in URLs, empty for Kontor itself, which has no programme."""

    key: str
    branding: Voice
    timezone: str
    programme: Programme | None = None

    @property
    def name(self) -> str:
        """Brand name that readers see."""
        return self.branding.brand.name

    def sender(self, locale: str) -> Sender:
        """Return the sender addresses for the headers."""
        if self.programme is None:
            return sender_for(self.name, None, {"en": NOBODY}, locale, NOBODY)
        return signature(self.branding, self.programme, locale)


def speaker(session: Session, programmes: Programmes, public_url: str, key: str) -> Speaker:
    """Return the sender for a key: empty for Kontor itself, a programme code for its provider, or an account id.

    An account id stands for the account's reseller, a reseller's id for itself. Raises NotFound.
    """
    if not key:
        return Speaker(key, Voice(Brand(name=OURS, link_base=public_url), None), "UTC")
    account_id = _id(key)
    if account_id is None:
        programme = programmes.current(session, applied.get(session, key).code)
        return Speaker(key, Voice(provider(programme, public_url), None), programme.timezone, programme)
    account = session.get(Account, account_id)
    is_reseller = account is not None and account.kind == AccountKind.RESELLER
    row = brands.voices(session, account_id, account_id if is_reseller else None)
    if row is None:
        raise NotFound
    programme = programmes.of_digest(session, row.programme, row.digest)
    return Speaker(key, voice_of(row, provider(programme, public_url)), row.timezone, programme)


def providers(session: Session, programmes: Programmes) -> Sequence[tuple[str, str]]:
    """Return (programme code, name) of every provider."""
    rows = applied.listed(session)
    return [(row.code, programmes.of_digest(session, row.code, row.digest).sender.name) for row in rows]


def sample(sender: Speaker, template: str, locale: str) -> Letter:
    """Build a mail of a kind with sample facts and inactive links. Raises Invalid for an unknown kind."""
    kind, facts = kind_of(template), sample_facts()[template]
    reseller_only = bool(facts.get("undeliverable_to"))  # the mail goes to the reseller, with a note (4.6)
    cc = (Addressee(RESELLER, role="cc"),) if kind.cc_reseller and not reseller_only else ()
    return Letter(
        template=template,
        fact_key="sample",
        locale=locale,
        timezone=sender.timezone,
        brand=sender.branding.brand,
        sender=sender.sender(locale),
        to=Addressee(RESELLER if reseller_only else READERS.get(kind.audience, CLIENT), role="to"),
        facts=facts,
        links=LINKS,
        cc=cc,
        addressee=sample_addressee(kind),
    )


def _id(key: str) -> UUID | None:
    try:
        return UUID(key)
    except ValueError:
        return None
