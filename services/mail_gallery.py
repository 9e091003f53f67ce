"""Sample mails in the name of whoever is chosen: what a real mail would be, built of facts that nobody has."""

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
    """In whose name samples are told. `key` names it in addresses, empty for Kontor itself, which has no programme."""

    key: str
    voice: Voice
    timezone: str
    programme: Programme | None = None

    @property
    def name(self) -> str:
        """What readers know it by."""
        return self.voice.brand.name

    def sender(self, locale: str) -> Sender:
        """Whose addresses stand in the headers."""
        if self.programme is None:
            return sender_for(self.name, None, {"en": NOBODY}, locale, NOBODY)
        return signature(self.voice, self.programme, locale)


def speaker(session: Session, programmes: Programmes, public_url: str, key: str) -> Speaker:
    """Kontor itself for an empty key, the provider of a programme by its code, an account's reseller by an id.

    A reseller stands for itself. Raises NotFound.
    """
    if not key:
        return Speaker(key, Voice(Brand(name=OURS, link_base=public_url), None), "UTC")
    account_id = _id(key)
    if account_id is None:
        programme = programmes.current(session, applied.get(session, key).code)
        return Speaker(key, Voice(provider(programme, public_url), None), programme.timezone, programme)
    account = session.get(Account, account_id)
    itself = account is not None and account.kind == AccountKind.RESELLER
    found = brands.voices(session, account_id, account_id if itself else None)
    if found is None:
        raise NotFound
    programme = programmes.of_digest(session, found.programme, found.digest)
    return Speaker(key, voice_of(found, provider(programme, public_url)), found.timezone, programme)


def providers(session: Session, programmes: Programmes) -> Sequence[tuple[str, str]]:
    """(code, name) of everyone who runs a programme."""
    rows = applied.listed(session)
    return [(row.code, programmes.of_digest(session, row.code, row.digest).sender.name) for row in rows]


def sample(said_by: Speaker, template: str, locale: str) -> Letter:
    """A mail of that kind with sample facts; its links lead nowhere. Raises Invalid for an unknown kind."""
    kind, facts = kind_of(template), sample_facts()[template]
    alone = bool(facts.get("undeliverable_to"))  # the reseller gets the client's mail alone, with a note (4.6)
    copied = (Addressee(RESELLER, role="cc"),) if kind.cc_reseller and not alone else ()
    return Letter(
        template=template,
        fact_key="sample",
        locale=locale,
        timezone=said_by.timezone,
        brand=said_by.voice.brand,
        sender=said_by.sender(locale),
        to=Addressee(RESELLER if alone else READERS.get(kind.audience, CLIENT), role="to"),
        facts=facts,
        links=LINKS,
        cc=copied,
        addressee=sample_addressee(kind),
    )


def _id(key: str) -> UUID | None:
    try:
        return UUID(key)
    except ValueError:
        return None
