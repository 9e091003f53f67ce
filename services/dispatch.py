"""Decides, when a mail job runs, whether a mail is sent, to which recipients and with which content."""

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
    """A mail ready to be built, and the recipients it still has to reach.

    `sent_before`: an earlier attempt reached a recipient. `dated` is wall time, UTC.
    """

    mail_id: UUID
    letter: Letter
    outstanding: tuple[str, ...]
    dated: datetime
    sent_before: bool


@dataclass(frozen=True, slots=True)
class NotSent:
    """The reason for not sending a mail, and its resulting state in the log."""

    state: MailState
    reason: str


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Plans the sending of mails. Built once per process; holds no connection."""

    rules: Mapping[str, MailRule]
    tokens: Tokens
    programmes: Programmes
    public_url: str

    def prepare(self, session: Session, mail_id: UUID, now: datetime) -> Dispatch | NotSent | None:
        """Lock a mail and plan its sending; None when it is no longer queued."""
        locked = mails.locked(session, mail_id)
        if locked is None or locked[0].state != MailState.QUEUED:
            return None
        mail, recipients = locked
        rule = self.rules.get(mail.template, NO_RULE)
        skip_reason = rule.obsolete(session, mail, now) if rule.obsolete else None
        if skip_reason is not None:
            return NotSent(MailState.SKIPPED, skip_reason)
        outstanding = _outstanding(recipients, now)
        if not outstanding:
            return NotSent(MailState.SUPPRESSED, "every address is suppressed after a refusal")
        links = self._links(session, rule, mail, recipients[0][0])
        if links is None:
            return NotSent(MailState.SKIPPED, "the recipient unsubscribed from this kind of mail")
        letter = self._letter(session, mail, [recipient for recipient, _ in recipients], links)
        if letter is None:
            return NotSent(MailState.SKIPPED, "the account or programme no longer exists")
        sent_before = any(recipient.state == RecipientState.SENT for recipient, _ in recipients)
        return Dispatch(mail.id, letter, outstanding, made_at(mail.id), sent_before)

    def _links(self, session: Session, rule: MailRule, mail: Mail, to: MailRecipient) -> Links | None:
        """Return the links of the rule and the unsubscribe link; None when the recipient unsubscribed."""
        links = dict(rule.links(session, self.tokens, mail)) if rule.links else {}
        if kind_of(mail.template).listed:
            if mails.opted_out(session, to.address_key, mail.template):
                return None
            unsubscribe = WayOut(to.address_key, mail.template)
            links["unsubscribe"] = unsubscribing.link(self.tokens, unsubscribe, made_at(mail.id))
        return links

    def _letter(self, session: Session, mail: Mail, recipients: Sequence[MailRecipient], links: Links) -> Letter | None:
        """Build the mail with the brand the account has now; None when account or programme is gone."""
        resolved = self._branding(session, mail)
        if resolved is None:
            return None
        branding, programme, zone, addressee = resolved
        to, *cc = [Addressee(recipient.address, role=recipient.role) for recipient in recipients]
        return Letter(
            template=mail.template,
            fact_key=mail.fact_key,
            locale=mail.locale,
            timezone=zone,
            brand=branding.brand,
            sender=signature(branding, programme, mail.locale),
            to=to,
            facts=mail.facts,
            links=links,
            cc=tuple(cc),
            addressee="" if mail.facts.get("undeliverable_to") else addressee,
        )

    def _branding(self, session: Session, mail: Mail) -> tuple[Voice, Programme, str, str] | None:
        """Return brand, programme, time zone and the addressed account's name, empty for none; None when gone."""
        if mail.account_id is None:
            programme = self.programmes.any(session, mail.programme)
            if programme is None:
                return None
            return Voice(provider(programme, self.public_url), None), programme, programme.timezone, ""
        row = brands.voices(session, mail.account_id, _brand_owner(mail))
        if row is None:
            return None
        programme = self.programmes.of_digest(session, row.programme, row.digest)
        branding = voice_of(row, provider(programme, self.public_url))
        return branding, programme, row.timezone, row.name


def provider(programme: Programme, public_url: str) -> Brand:
    """Return the brand of a programme's provider, for accounts without a reseller."""
    return Brand(name=programme.sender.name, link_base=public_url)


def signature(branding: Voice, programme: Programme, locale: str) -> Sender:
    """Return the sender addresses for the headers of a mail."""
    sender = programme.sender
    addresses = {"en": sender.address} | {str(key): address for key, address in sender.addresses.items()}
    return sender_for(branding.brand.name, branding.outgoing, addresses, locale, sender.address)


def _brand_owner(mail: Mail) -> UUID | None:
    """Return the reseller whose brand a mail to a client keeps, even to a former client.

    None means the account's current reseller, if any.
    """
    to_client = kind_of(mail.template).audience is Audience.CLIENT
    return mail.reseller_id if to_client and mail.reseller_id != mail.account_id else None


def made_at(mail_id: UUID) -> datetime:
    """Return the wall time in a UUIDv7, UTC: the `Date` of a message, the same on every attempt."""
    return datetime.fromtimestamp((mail_id.int >> 80) / 1_000, UTC)


def _outstanding(recipients: Sequence[tuple[MailRecipient, datetime | None]], now: datetime) -> tuple[str, ...]:
    """Return the addresses that are still queued and not suppressed."""
    queued = [row for row in recipients if row[0].state == RecipientState.QUEUED]
    return tuple(recipient.address for recipient, until in queued if until is None or until <= now)
