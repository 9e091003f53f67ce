"""What is to be sent of a posted mail, and what is written down afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.programme.model import Programme
from mail.addresses import Addressee
from mail.brand import Brand
from mail.build import Letter, kind_of
from mail.identity import Sender, sender_for
from mail.kinds import Audience
from models.mails import Mail, MailRecipient, MailState, RecipientState
from services import unsubscribing
from services.brands import Voice, voice_of
from services.mails import Links, MailRule
from services.programmes import Programmes
from services.tokens import Tokens
from services.unsubscribing import WayOut
from store import brands, mails

NO_RULE: Final = MailRule()


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A mail ready to be built: the letter, and who still has to get it.

    `sent_before`: somebody got it in an earlier attempt. `dated` is real time, UTC.
    """

    mail_id: UUID
    letter: Letter
    outstanding: tuple[str, ...]
    dated: datetime
    sent_before: bool


@dataclass(frozen=True, slots=True)
class NotSent:
    """Why there is nothing to send; `state` is what the log says then."""

    state: MailState
    reason: str


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Decides what is sent. Built once per process; holds no connection."""

    rules: Mapping[str, MailRule]
    tokens: Tokens
    programmes: Programmes
    public_url: str

    def prepare(self, session: Session, mail_id: UUID, now: datetime) -> Dispatch | NotSent | None:
        """Lock a mail and plan its sending; None when it was dealt with before."""
        found = mails.locked(session, mail_id)
        if found is None or found[0].state != MailState.QUEUED:
            return None
        mail, recipients = found
        rule = self.rules.get(mail.template, NO_RULE)
        obsolete = rule.obsolete(session, mail, now) if rule.obsolete else None
        if obsolete is not None:
            return NotSent(MailState.SKIPPED, obsolete)
        outstanding = _outstanding(recipients, now)
        if not outstanding:
            return NotSent(MailState.SUPPRESSED, "every address refused mail lately")
        links = self._links(session, rule, mail, recipients[0][0])
        if links is None:
            return NotSent(MailState.SKIPPED, "the addressee does not want this kind of mail")
        letter = self._letter(session, mail, [one for one, _ in recipients], links)
        if letter is None:
            return NotSent(MailState.SKIPPED, "nobody is left to speak to")
        before = any(one.state == RecipientState.SENT for one, _ in recipients)
        return Dispatch(mail.id, letter, outstanding, made_at(mail.id), before)

    def _links(self, session: Session, rule: MailRule, mail: Mail, to: MailRecipient) -> Links | None:
        """The links of the rule, and the way out of reminders; None when that way was taken."""
        links = dict(rule.links(session, self.tokens, mail)) if rule.links else {}
        if kind_of(mail.template).listed:
            if mails.opted_out(session, to.address_key, mail.template):
                return None
            way_out = WayOut(to.address_key, mail.template)
            links["unsubscribe"] = unsubscribing.link(self.tokens, way_out, made_at(mail.id))
        return links

    def _letter(self, session: Session, mail: Mail, recipients: Sequence[MailRecipient], links: Links) -> Letter | None:
        """The mail in the name of whoever speaks to this account now."""
        spoken = self._voice(session, mail)
        if spoken is None:
            return None
        voice, programme, zone, addressee = spoken
        to, *cc = [Addressee(one.address, role=one.role) for one in recipients]
        return Letter(
            template=mail.template,
            fact_key=mail.fact_key,
            locale=mail.locale,
            timezone=zone,
            brand=voice.brand,
            sender=signature(voice, programme, mail.locale),
            to=to,
            facts=mail.facts,
            links=links,
            cc=tuple(cc),
            addressee="" if mail.facts.get("undeliverable_to") else addressee,
        )

    def _voice(self, session: Session, mail: Mail) -> tuple[Voice, Programme, str, str] | None:
        """The voice, the programme, the time zone, and the name of the account that is addressed (empty: none)."""
        if mail.account_id is None:
            programme = self.programmes.any(session, mail.programme)
            if programme is None:
                return None
            return Voice(provider(programme, self.public_url), None), programme, programme.timezone, ""
        found = brands.voices(session, mail.account_id, _speaker(mail))
        if found is None:
            return None
        programme = self.programmes.of_digest(session, found.programme, found.digest)
        voice = voice_of(found, provider(programme, self.public_url))
        return voice, programme, found.timezone, found.name


def provider(programme: Programme, public_url: str) -> Brand:
    """The provider of a programme, as it speaks to those who have no reseller."""
    return Brand(name=programme.sender.name, link_base=public_url)


def signature(voice: Voice, programme: Programme, locale: str) -> Sender:
    """Whose addresses stand in the headers of what a voice says."""
    sender = programme.sender
    ours = {"en": sender.address} | {str(key): one for key, one in sender.addresses.items()}
    return sender_for(voice.brand.name, voice.outgoing, ours, locale, sender.address)


def _speaker(mail: Mail) -> UUID | None:
    """Whose name a mail to a client keeps, even to a former one; None: the reseller of today, if any."""
    to_client = kind_of(mail.template).audience is Audience.CLIENT
    return mail.reseller_id if to_client and mail.reseller_id != mail.account_id else None


def made_at(mail_id: UUID) -> datetime:
    """The real time in a UUIDv7, UTC: the `Date` of a message, the same on every try."""
    return datetime.fromtimestamp((mail_id.int >> 80) / 1_000, UTC)


def _outstanding(recipients: Sequence[tuple[MailRecipient, datetime | None]], now: datetime) -> tuple[str, ...]:
    """Who was not dealt with yet and did not refuse mail lately."""
    queued = [row for row in recipients if row[0].state == RecipientState.QUEUED]
    return tuple(one.address for one, until in queued if until is None or until <= now)
