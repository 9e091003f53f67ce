"""Mails: posted in the caller's transaction, sent by a job, kept in a log."""

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
    """Facts and refs that take the place of older ones of the same names."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    refs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MailRule:
    """What one kind of mail asks of its dispatch, by its `refs`.

    `obsolete` returns why it need not be sent any more, None while it is true. `links` makes its
    links when it is rendered; they start with `/` and a token is the last part of the path. `renewed` returns what
    is said otherwise when it is sent again, which is later; raises Conflict when it is too late.
    """

    obsolete: Callable[[Session, Mail, datetime], str | None] | None = None
    links: Callable[[Session, Tokens, Mail], Links] | None = None
    renewed: Callable[[Session, Programmes, Mail, datetime], Renewed] | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to an account's admin (or `to`); the fields are those of `post`."""

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
    """Put a mail to an account's admin (or `to`) into the log, and the job that sends it.

    None when the same thing was told to the same address before, or waits to be: `fact_key` names the thing
    and is unique within (template, account). `refs` are JSON-able ids for the mail's rule; other refs
    for the same thing mean newer facts, which a mail tells that was not sent yet. `reseller_id`
    speaks when that is not the account's own reseller. Raises Invalid on facts that do not fit.
    """
    letter = Letter(template, account, facts, fact_key, to, cc, refs or {}, reseller_id)
    return put(session, jobs, _new(letter, jobs.clock.now()))


def post_many(session: Session, jobs: Jobs, letters: Sequence[Letter]) -> int:
    """`post` for many, in a few statements; returns how many had not been told before."""
    now = jobs.clock.now()
    fresh = rows.add_many(session, [_new(letter, now) for letter in letters])
    requests = [Request(SEND, {"mail_id": str(mail.id)}, tenant=str(mail.reseller_id or "")) for mail in fresh]
    if requests:
        jobs.put_many(session, requests)
    return len(fresh)


def _new(letter: Letter, now: datetime) -> NewMail:
    account = letter.account
    told = f"{account.id}:{letter.fact_key}"
    recipients = _recipients(letter.to or account.admin_email, letter.cc)
    return NewMail(
        id=new_id(),
        template=letter.template,
        programme=account.programme,
        account_id=account.id,
        reseller_id=letter.reseller_id or reseller_of(account),
        locale=account.locale,
        facts=checked_facts(letter.template, letter.facts).model_dump(mode="json"),
        refs=letter.refs,
        fact_key=told,
        identity=identity(letter.template, told, recipients[0].address),
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
    """`post` to somebody without an account, in the name of the (first) provider."""
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
    """Put a mail into the log with the job that sends it; None when it was told before."""
    mail_id = rows.add(session, mail)
    if mail_id is not None:
        jobs.enqueue(session, SEND, {"mail_id": str(mail_id)}, tenant=str(mail.reseller_id or ""))
    return mail_id


def identity(template: str, fact_key: str, address: str) -> str:
    """The hash by which a repeat is recognised, in hex."""
    said = f"{template}\x00{fact_key}\x00{address_key(address)}"
    return sha256(said.encode("utf-8", "replace")).hexdigest()


def _recipients(to: str, cc: Sequence[str]) -> tuple[Recipient, ...]:
    """`To` and every other address once."""
    found = {address_key(to): Recipient(to, RecipientRole.TO)}
    for address in cc:
        found.setdefault(address_key(address), Recipient(address, RecipientRole.CC))
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class Logged:
    """A mail of the log with its recipients, `To` first."""

    mail: Mail
    recipients: tuple[MailRecipient, ...]


def get(session: Session, mail_id: UUID) -> Logged:
    """One mail. Raises NotFound."""
    mail = rows.by_id(session, mail_id)
    if mail is None:
        raise NotFound(message="There is no such mail.")
    return Logged(mail, tuple(rows.recipients(session, [mail.id])))


def page(session: Session, wanted: MailFilter, cursor: str | None = None, limit: int = 100) -> Page[Logged]:
    """The mail log, newest first. Raises Invalid on a strange cursor."""
    found = rows.page(session, wanted, cursor_id(cursor), limit + 1)
    parts: dict[UUID, list[MailRecipient]] = {mail.id: [] for mail in found}
    for one in rows.recipients(session, list(parts)):
        parts[one.mail_id].append(one)
    logged = [Logged(mail, tuple(parts[mail.id])) for mail in found]
    return cut(logged, limit, lambda one: str(one.mail.id))


def document(logged: Logged, *, raw: bool = False) -> dict[str, Any]:
    """The JSON shape of a mail in the log; `raw` adds the message, its tokens masked."""
    mail = logged.mail
    told = {
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
        "recipients": [_recipient_document(one) for one in logged.recipients],
        "job_id": mail.job_id,
        "created_at": mail.created_at,
        "sent_at": mail.sent_at,
    }
    return {**told, "raw": mail.raw} if raw else told


def _recipient_document(one: MailRecipient) -> dict[str, Any]:
    return {
        "address": one.address,
        "role": one.role,
        "state": one.state,
        "tries": one.tries,
        "last_error": one.last_error,
        "sent_at": one.sent_at,
    }
