"""Resolve what a posted mail needs at sending time, record the result, and handle unsubscribes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import brand_queries
from kontor.accounts.brands import Branding, resolve_branding
from kontor.kernel.tokens import Tokens
from kontor.mailer.brand import Brand, Support
from kontor.mailer.build import OutgoingMail, kind_of
from kontor.mailer.identity import Addressee, SenderIdentity, sender_for
from kontor.mailer.kinds import Audience
from kontor.mailer.mime import BuiltMail, mask_tokens
from kontor.mails import address_queries, queries
from kontor.mails.display_names import with_names
from kontor.mails.queries import MailResult, RecipientResult
from kontor.mails.service import Links, MailRule
from kontor.programme.model import Programme
from kontor.programme.service import Programmes
from models.mails import Mail, MailRecipient, MailState, RecipientState

NO_RULE: Final = MailRule()
KONTOR_NAME: Final = "Kontor"
"""What mails to operators call the deployment, unless OPERATOR_FROM has a name."""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A mail ready to be built, and the recipients it still has to reach.

    `sent_before`: an earlier attempt reached a recipient. `dated` is wall time, UTC.
    """

    mail_id: UUID
    letter: OutgoingMail
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
    """Plans the sending of mails. Built once per process; holds no connection.

    `operator_from`: who alerts to operators are from; without one, the first provider's address has the deployment's
    name.
    """

    rules: Mapping[str, MailRule]
    tokens: Tokens
    programmes: Programmes
    public_url: str
    console_url: str = ""
    operator_from: Addressee | None = None

    def prepare(self, session: Session, mail_id: UUID, now: datetime) -> Dispatch | NotSent | None:
        """Lock a mail and plan its sending; None when it is no longer queued."""
        locked = queries.lock_with_recipients(session, mail_id)
        if locked is None or locked[0].state != MailState.QUEUED:
            return None
        mail, recipients = locked
        rule = self.rules.get(mail.template, NO_RULE)
        skip_reason = rule.skip_reason(session, mail, now) if rule.skip_reason else None
        if skip_reason is not None:
            return NotSent(MailState.SKIPPED, skip_reason)
        outstanding = _outstanding(recipients, now)
        if not outstanding and any(recipient.state == RecipientState.FOLDED for recipient, _ in recipients):
            return NotSent(MailState.FOLDED, "a digest lists the mail")
        if not outstanding:
            return NotSent(MailState.SUPPRESSED, "every address is suppressed after a refusal")
        links = self._links(session, rule, mail, recipients[0][0])
        if links is None:
            return NotSent(MailState.SKIPPED, "the recipient unsubscribed from this kind of mail")
        letter = self._letter(session, mail, [recipient for recipient, _ in recipients], links)
        if letter is None:
            return NotSent(MailState.SKIPPED, "the account or programme no longer exists")
        sent_before = any(recipient.state == RecipientState.SENT for recipient, _ in recipients)
        return Dispatch(mail.id, letter, outstanding, mail_created_at(mail.id), sent_before)

    def _links(self, session: Session, rule: MailRule, mail: Mail, to: MailRecipient) -> Links | None:
        """Return the links of the rule and the unsubscribe link; None when the recipient unsubscribed."""
        links = dict(rule.links(session, self.tokens, mail)) if rule.links else {}
        if kind_of(mail.template).listed:
            if address_queries.opted_out(session, to.address_key, mail.template):
                return None
            unsubscribe = UnsubscribeLink(to.address_key, mail.template)
            links["unsubscribe"] = unsubscribe_path(self.tokens, unsubscribe, mail_created_at(mail.id))
        return links

    def _letter(
        self, session: Session, mail: Mail, recipients: Sequence[MailRecipient], links: Links
    ) -> OutgoingMail | None:
        """Build the mail with the brand the account has now; None when account or programme is gone."""
        resolved = self._branding(session, mail)
        if resolved is None:
            return None
        branding, programme, zone, addressee = resolved
        to, *cc = [Addressee(recipient.address, role=recipient.role) for recipient in recipients]
        return OutgoingMail(
            template=mail.template,
            fact_key=mail.fact_key,
            locale=mail.locale,
            timezone=zone,
            brand=branding.brand,
            sender=self._sender(branding, programme, mail),
            to=to,
            facts=with_names(mail.facts, programme, mail.locale),
            links=links,
            cc=tuple(cc),
            addressee="" if mail.facts.get("undeliverable_to") else addressee,
        )

    def _sender(self, branding: Branding, programme: Programme, mail: Mail) -> SenderIdentity:
        """Return the sender addresses of a mail; an alert to operators is in the deployment's own name."""
        if self.operator_from is None or kind_of(mail.template).audience is not Audience.OPERATOR:
            return sender_addresses(branding, programme, mail.locale)
        own = self.operator_from.email
        return sender_for(branding.brand.name, None, {"en": own}, mail.locale, own)

    def _branding(self, session: Session, mail: Mail) -> tuple[Branding, Programme, str, str] | None:
        """Return brand, programme, time zone and the addressed account's name, empty for none; None when gone."""
        if mail.account_id is None:
            programme = self.programmes.any(session, mail.programme)
            if programme is None:
                return None
            audience = kind_of(mail.template).audience
            to_operator = audience in {Audience.OPERATOR, Audience.PERSON}
            base = (self.console_url if to_operator else "") or self.public_url
            own_name = (self.operator_from and self.operator_from.name) or KONTOR_NAME
            own = audience is Audience.OPERATOR
            brand = Brand(own_name, base) if own else provider_brand(programme, base)
            return Branding(brand, None), programme, programme.timezone, ""
        row = brand_queries.branding_row(session, mail.account_id, _brand_owner(mail))
        if row is None:
            return None
        programme = self.programmes.of_digest(session, row.programme, row.digest)
        branding = resolve_branding(row, provider_brand(programme, self.public_url))
        return branding, programme, row.timezone, row.name


def provider_brand(programme: Programme, public_url: str) -> Brand:
    """Return the brand of a programme's provider, for accounts without a reseller."""
    contact = programme.contact
    address = contact.support or contact.sales or ""
    support = Support(email=address, url=contact.url or "") if "@" in address else Support(url=contact.url or address)
    terms_url, sales = programme.terms.url or "", contact.sales or ""
    return Brand(programme.sender.name, public_url, support=support, terms_url=terms_url, sales=sales)


def sender_addresses(branding: Branding, programme: Programme, locale: str) -> SenderIdentity:
    """Return the sender addresses for the headers of a mail."""
    sender = programme.sender
    addresses = {"en": sender.address} | {str(key): address for key, address in sender.addresses.items()}
    return sender_for(branding.brand.name, branding.outgoing, addresses, locale, sender.address, branding.contact)


def _brand_owner(mail: Mail) -> UUID | None:
    """Return the reseller whose brand a mail to a client keeps, even to a former client.

    None means the account's current reseller, if any.
    """
    to_client = kind_of(mail.template).audience is Audience.CLIENT
    return mail.reseller_id if to_client and mail.reseller_id != mail.account_id else None


def mail_created_at(mail_id: UUID) -> datetime:
    """Return the wall time in a UUIDv7, UTC: the `Date` of a message, the same on every attempt."""
    return datetime.fromtimestamp((mail_id.int >> 80) / 1_000, UTC)


def _outstanding(recipients: Sequence[tuple[MailRecipient, datetime | None]], now: datetime) -> tuple[str, ...]:
    """Return the addresses that are still queued and not suppressed."""
    queued = [row for row in recipients if row[0].state == RecipientState.QUEUED]
    return tuple(recipient.address for recipient, until in queued if until is None or until <= now)


SUPPRESSED_FOR: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class SendResult:
    """Result of one attempt; `refused` are addresses to suppress, `deferred` is the reason for a retry."""

    built: BuiltMail
    raw: str
    tried: tuple[RecipientResult, ...]
    refused: tuple[str, ...] = ()
    deferred: str | None = None


def log_copy_of(built: BuiltMail) -> str:
    """Return the message for the log: as sent, with the tokens in links masked."""
    log_copy = mask_tokens(built) if built.tokens else built
    return log_copy.raw.decode("utf-8", "replace")


def record(
    session: Session,
    mail_id: UUID,
    posted: SendResult,
    *,
    job_id: UUID,
    now: datetime,
    sent_before: bool = False,
) -> MailState:
    """Store the result of an attempt; the mail stays queued while a recipient has to be retried."""
    if posted.refused:
        address_queries.suppress(session, posted.refused, now + SUPPRESSED_FOR, "refused at RCPT")
    state, reason = resulting_state(posted, sent_before=sent_before)
    sender = posted.built.envelope.sender
    result = MailResult(
        state=state,
        reason=reason,
        job_id=job_id,
        message_id=posted.built.message_id,
        subject=posted.built.subject,
        from_address=sender.author.email,
        sender=sender.sender,
        reply_to=sender.reply_to,
        raw=posted.raw,
    )
    queries.record(session, mail_id, result, posted.tried, now)
    return state


def resulting_state(posted: SendResult, *, sent_before: bool) -> tuple[MailState, str | None]:
    """Return the mail's state after this attempt, and the reason for a retry or the first error, if any."""
    if posted.deferred is not None:
        return MailState.QUEUED, posted.deferred
    errors = [result.error for result in posted.tried if result.error]
    sent = any(result.state is RecipientState.SENT for result in posted.tried)
    return MailState.SENT if sent or sent_before else MailState.FAILED, next(iter(errors), None)


PURPOSE: Final = "unsubscribe"
UNSUBSCRIBE_LIFETIME: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class UnsubscribeLink:
    """An address and the kind of mail it can unsubscribe from."""

    address_key: str
    template: str


def unsubscribe_path(tokens: Tokens, way_out: UnsubscribeLink, made_at: datetime) -> str:
    """Return the path of an unsubscribe link; it is valid for a year."""
    content = {"address": way_out.address_key, "template": way_out.template}
    return f"/unsubscribe/{tokens.make(PURPOSE, content, made_at + UNSUBSCRIBE_LIFETIME)}"
