"""Mails: posted in the caller's transaction, sent by a job, kept in the mail log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import NotFound
from domain.ids import new_id
from domain.names import address_key
from domain.paging import Page, cursor_id, cut
from engine.enqueue import Jobs, Request
from mail.build import checked_facts
from models.accounts import Account
from models.mails import Mail, MailRecipient, RecipientRole
from services.events import reseller_of
from services.programmes import Programmes
from services.tokens import Tokens
from store import mails as rows
from store.mails import MailFilter, NewMail, Recipient

SEND: Final = "mail.send"
Links = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Renewed:
    """Facts and refs that replace older ones of the same names."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    refs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MailRule:
    """Rules for sending one kind of mail, based on its `refs`.

    `skip_reason` returns the reason to skip the mail, None if it still applies. `links` builds its links when it
    is rendered; they start with `/`, and a token is the last part of the path. `refresh` returns the facts and refs
    to replace on a resend; it raises Conflict when a resend is too late.
    """

    obsolete: Callable[[Session, Mail, datetime], str | None] | None = None
    links: Callable[[Session, Tokens, Mail], Links] | None = None
    renewed: Callable[[Session, Programmes, Mail, datetime], Renewed] | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to an account's admin (or `to`); the fields are the parameters of `post`."""

    template: str
    account: Account
    facts: Mapping[str, Any]
    fact_key: str
    to: str | None = None
    cc: Sequence[str] = ()
    refs: Mapping[str, Any] = field(default_factory=dict)
    reseller_id: UUID | None = None


def post(
    session: Session,
    jobs: Jobs,
    *,
    template: str,
    account: Account,
    facts: Mapping[str, Any],
    fact_key: str,
    to: str | None = None,
    cc: Sequence[str] = (),
    refs: Mapping[str, Any] | None = None,
    reseller_id: UUID | None = None,
) -> UUID | None:
    """Log a mail to an account's admin (or `to`) and enqueue the job that sends it; return its id.

    Returns None for a duplicate: `fact_key` identifies the news within (template, account), and the same news
    to the same address is logged once. `refs` are JSON-able ids for the mail's rule; other refs for the same
    `fact_key` mean newer facts, which replace those of a mail that was not sent yet. `reseller_id` is the
    reseller whose brand the mail has, by default the account's own. Raises Invalid for facts that do not fit.
    """
    draft = Letter(template, account, facts, fact_key, to, cc, refs or {}, reseller_id)
    return put(session, jobs, _new_mail(draft, jobs.clock.now()))


def post_many(session: Session, jobs: Jobs, drafts: Sequence[Letter]) -> int:
    """Post many mails in a few statements; return how many were not duplicates."""
    now = jobs.clock.now()
    added = rows.add_many(session, [_new_mail(draft, now) for draft in drafts])
    requests = [Request(SEND, {"mail_id": str(mail.id)}, tenant=str(mail.reseller_id or "")) for mail in added]
    if requests:
        jobs.put_many(session, requests)
    return len(added)


def _new_mail(draft: Letter, now: datetime) -> NewMail:
    account = draft.account
    fact_key = f"{account.id}:{draft.fact_key}"
    recipients = _recipients(draft.to or account.admin_email, draft.cc)
    return NewMail(
        id=new_id(),
        template=draft.template,
        programme=account.programme,
        account_id=account.id,
        reseller_id=draft.reseller_id or reseller_of(account),
        locale=account.locale,
        facts=checked_facts(draft.template, draft.facts).model_dump(mode="json"),
        refs=draft.refs,
        fact_key=fact_key,
        identity=identity(draft.template, fact_key, recipients[0].address),
        created_at=now,
        recipients=recipients,
    )


def post_to(
    session: Session,
    jobs: Jobs,
    *,
    template: str,
    address: str,
    facts: Mapping[str, Any],
    fact_key: str,
    refs: Mapping[str, Any] | None = None,
    locale: str = "en",
) -> UUID | None:
    """Post a mail to an address without an account, with the brand of the first provider."""
    mail = NewMail(
        id=new_id(),
        template=template,
        programme=None,
        account_id=None,
        reseller_id=None,
        locale=locale,
        facts=checked_facts(template, facts).model_dump(mode="json"),
        refs=refs or {},
        fact_key=fact_key,
        identity=identity(template, fact_key, address),
        created_at=jobs.clock.now(),
        recipients=_recipients(address, ()),
    )
    return put(session, jobs, mail)


def put(session: Session, jobs: Jobs, mail: NewMail) -> UUID | None:
    """Log a mail and enqueue the job that sends it; return its id, None for a duplicate."""
    mail_id = rows.add(session, mail)
    if mail_id is not None:
        jobs.enqueue(session, SEND, {"mail_id": str(mail_id)}, tenant=str(mail.reseller_id or ""))
    return mail_id


def identity(template: str, fact_key: str, address: str) -> str:
    """Return the hash that identifies duplicates, in hex."""
    text = f"{template}\x00{fact_key}\x00{address_key(address)}"
    return sha256(text.encode("utf-8", "replace")).hexdigest()


def _recipients(to: str, cc: Sequence[str]) -> tuple[Recipient, ...]:
    """Return `To` and every other address, without duplicates."""
    recipients = {address_key(to): Recipient(to, RecipientRole.TO)}
    for address in cc:
        recipients.setdefault(address_key(address), Recipient(address, RecipientRole.CC))
    return tuple(recipients.values())


@dataclass(frozen=True, slots=True)
class Logged:
    """A mail of the log with its recipients, `To` first."""

    mail: Mail
    recipients: tuple[MailRecipient, ...]


def get(session: Session, mail_id: UUID) -> Logged:
    """Return one mail. Raises NotFound."""
    mail = rows.by_id(session, mail_id)
    if mail is None:
        raise NotFound(message="There is no such mail.")
    return Logged(mail, tuple(rows.recipients(session, [mail.id])))


def page(session: Session, criteria: MailFilter, cursor: str | None = None, limit: int = 100) -> Page[Logged]:
    """Return mails of the log, newest first. Raises Invalid for an invalid cursor."""
    page_rows = rows.page(session, criteria, cursor_id(cursor), limit + 1)
    recipients: dict[UUID, list[MailRecipient]] = {mail.id: [] for mail in page_rows}
    for item in rows.recipients(session, list(recipients)):
        recipients[item.mail_id].append(item)
    logged = [Logged(mail, tuple(recipients[mail.id])) for mail in page_rows]
    return cut(logged, limit, lambda item: str(item.mail.id))


def document(logged: Logged, *, raw: bool = False) -> dict[str, Any]:
    """Return the JSON shape of a logged mail; `raw` adds the message, its tokens masked."""
    mail = logged.mail
    fields = {
        "id": mail.id,
        "template": mail.template,
        "programme": mail.programme,
        "account_id": mail.account_id,
        "reseller_id": mail.reseller_id,
        "locale": mail.locale,
        "state": mail.state,
        "reason": mail.reason,
        "subject": mail.subject,
        "from": mail.from_address,
        "sender": mail.sender,
        "reply_to": mail.reply_to,
        "message_id": mail.message_id,
        "repeats": mail.repeats,
        "recipients": [_recipient_document(recipient) for recipient in logged.recipients],
        "job_id": mail.job_id,
        "created_at": mail.created_at,
        "sent_at": mail.sent_at,
    }
    return {**fields, "raw": mail.raw} if raw else fields


def _recipient_document(recipient: MailRecipient) -> dict[str, Any]:
    return {
        "address": recipient.address,
        "role": recipient.role,
        "state": recipient.state,
        "tries": recipient.tries,
        "last_error": recipient.last_error,
        "sent_at": recipient.sent_at,
    }
