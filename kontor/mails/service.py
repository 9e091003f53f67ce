"""Mails: posted in the caller's transaction, sent by a job, kept in the mail log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.engine.enqueue import JobRequest, Jobs
from kontor.kernel.errors import NotFound
from kontor.kernel.ids import new_id
from kontor.kernel.paging import Page
from kontor.kernel.tokens import Tokens
from kontor.kernel.validation import address_key
from kontor.mailer.build import validate_facts
from kontor.mails import address_queries, limit_queries, queries, strangers
from kontor.mails.payloads import MailSend
from kontor.mails.queries import MailFilter, NewMail, Recipient
from kontor.mails.schemas import INVITATIONS, MailOut, RecipientOut
from kontor.programme.service import Programmes
from kontor.webhooks.events import reseller_of
from models.accounts import Account
from models.mails import Mail, MailRecipient, MailState, RecipientRole

Links = Mapping[str, str]
FOLDED: Final = "the address had enough mails today; a digest lists this one"
NEVER_FOLDED: Final = frozenset(
    (
        *("sign-in-link", "password-reset", "new-sign-in", "operator-alert", "mail-digest", "quota-digest"),
        *("statement", "balance-low", "price-change", "margin-note", "tier-changed", "tier-drop-tomorrow"),
    )
)
"""Mails that people wait for, about money, or digests themselves."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """Facts and refs that replace older ones of the same names."""

    facts: Mapping[str, object] = field(default_factory=dict)
    refs: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MailRule:
    """Rules for sending one kind of mail, based on its `refs`.

    `skip_reason` returns the reason to skip the mail, None if it still applies. `links` builds its links when it
    is rendered; they start with `/`, and a token is the last part of the path. `refresh` returns the facts and refs
    to replace on a resend; it raises Conflict when a resend is too late.
    """

    skip_reason: Callable[[Session, Mail, datetime], str | None] | None = None
    links: Callable[[Session, Tokens, Mail], Links] | None = None
    refresh: Callable[[Session, Programmes, Mail, datetime], Refreshed] | None = None


@dataclass(frozen=True, slots=True)
class MailDraft:
    """A mail to an account's admin (or `to`); the fields are the parameters of `post`."""

    template: str
    account: Account
    facts: Mapping[str, object]
    fact_key: str
    to: str | None = None
    cc: Sequence[str] = ()
    refs: Mapping[str, object] = field(default_factory=dict)
    reseller_id: UUID | None = None
    locale: str | None = None


def post(
    session: Session,
    jobs: Jobs,
    *,
    template: str,
    account: Account,
    facts: Mapping[str, object],
    fact_key: str,
    to: str | None = None,
    cc: Sequence[str] = (),
    refs: Mapping[str, object] | None = None,
    reseller_id: UUID | None = None,
    locale: str | None = None,
) -> UUID | None:
    """Log a mail to an account's admin (or `to`) and enqueue the job that sends it; return its id.

    Returns None for a duplicate: `fact_key` identifies the news within (template, account), and the same news
    to the same address is logged once. `refs` are JSON-able ids for the mail's rule; other refs for the same
    `fact_key` mean newer facts, which replace those of a mail that was not sent yet. `reseller_id` is the
    reseller whose brand the mail has, by default the account's own; `locale` the reader's, by default the account's.
    Raises Invalid for facts that do not fit.
    """
    draft = MailDraft(template, account, facts, fact_key, to, cc, refs or {}, reseller_id, locale)
    return post_new(session, jobs, _new_mail(draft, jobs.clock.now()))


def post_many(session: Session, jobs: Jobs, drafts: Sequence[MailDraft]) -> int:
    """Post many mails in a few statements; return how many were not duplicates."""
    now = jobs.clock.now()
    new = folded(session, [_new_mail(draft, now) for draft in drafts], now)
    added = queries.add_many(session, new)
    sent = [mail for mail in added if mail.state == MailState.QUEUED]
    requests = [JobRequest.of(MailSend(mail_id=mail.id), tenant=str(mail.reseller_id or "")) for mail in sent]
    if requests:
        jobs.enqueue_many(session, requests)
    return len(added)


def _new_mail(draft: MailDraft, now: datetime) -> NewMail:
    account = draft.account
    fact_key = f"{account.id}:{draft.fact_key}"
    recipients = _recipients(draft.to or account.admin_email, draft.cc)
    return NewMail(
        id=new_id(),
        template=draft.template,
        programme=account.programme,
        account_id=account.id,
        reseller_id=draft.reseller_id or reseller_of(account),
        locale=draft.locale or account.locale,
        facts=validate_facts(draft.template, draft.facts).stored(),
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
    facts: Mapping[str, object],
    fact_key: str,
    refs: Mapping[str, object] | None = None,
    cc: Sequence[str] = (),
    locale: str = "en",
) -> UUID | None:
    """Post a mail to addresses without an account, with the brand of the first provider, or the deployment's own."""
    mail = NewMail(
        id=new_id(),
        template=template,
        programme=None,
        account_id=None,
        reseller_id=None,
        locale=locale,
        facts=validate_facts(template, facts).stored(),
        refs=refs or {},
        fact_key=fact_key,
        identity=identity(template, fact_key, address),
        created_at=jobs.clock.now(),
        recipients=_recipients(address, cc),
    )
    return post_new(session, jobs, mail)


def post_new(session: Session, jobs: Jobs, mail: NewMail) -> UUID | None:
    """Log a mail and enqueue the job that sends it, unless a limit holds it; return its id, None for a duplicate."""
    now = jobs.clock.now()
    verdict = strangers.judge(session, mail, now)
    logged = folded(session, [mail], now)[0] if verdict is None or not verdict.held else verdict.applied(mail)
    mail_id = queries.add(session, logged)
    if mail_id is None:
        return None
    if verdict is not None and not verdict.held:
        strangers.count(session, verdict, now)
    if logged.state == MailState.QUEUED:
        jobs.enqueue(session, MailSend(mail_id=mail_id), tenant=str(mail.reseller_id or ""))
    return mail_id


def folded(session: Session, mails: Sequence[NewMail], now: datetime) -> list[NewMail]:
    """Fold the mails to addresses that had enough of them today; one that all its readers had enough of is not sent."""
    keys = {recipient.key for mail in mails if mail.template not in NEVER_FOLDED for recipient in mail.recipients}
    if not keys:
        return list(mails)
    left = limit_queries.mails_left(session, keys, now)
    return [mail if mail.template in NEVER_FOLDED else _folded(mail, left) for mail in mails]


def _folded(mail: NewMail, left: dict[str, int]) -> NewMail:
    recipients = []
    for recipient in mail.recipients:
        recipients.append(replace(recipient, folded=left[recipient.key] <= 0))
        left[recipient.key] -= 1
    if all(recipient.folded for recipient in recipients):
        return replace(mail, recipients=tuple(recipients), state=MailState.FOLDED.value, reason=FOLDED)
    return replace(mail, recipients=tuple(recipients))


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
class LoggedMail:
    """A mail of the log with its recipients, `To` first."""

    mail: Mail
    recipients: tuple[MailRecipient, ...]


def get(session: Session, mail_id: UUID) -> LoggedMail:
    """Return one mail. Raises NotFound."""
    mail = queries.by_id(session, mail_id)
    if mail is None:
        raise NotFound(message="There is no such mail.")
    return LoggedMail(mail, tuple(queries.recipients(session, [mail.id])))


def suppressed_until(session: Session, email_key: str, now: datetime) -> datetime | None:
    """Return the end of an address's suppression; None if mails to it are not suppressed."""
    return address_queries.suppressed_until(session, email_key, now)


def page(session: Session, criteria: MailFilter, cursor: str | None = None, limit: int = 100) -> Page[LoggedMail]:
    """Return mails of the log, newest first. Raises Invalid for an invalid cursor."""
    mails = queries.page(session, criteria, cursor, limit)
    recipients: dict[UUID, list[MailRecipient]] = {mail.id: [] for mail in mails.items}
    for item in queries.recipients(session, list(recipients)):
        recipients[item.mail_id].append(item)
    return Page(tuple(LoggedMail(mail, tuple(recipients[mail.id])) for mail in mails.items), mails.next)


def mail_out(logged: LoggedMail, *, raw: bool = False, masked: bool = False) -> MailOut:
    """Return a logged mail as readers see it; `raw` adds the message, its tokens masked.

    `masked`: without what tells an invitation to a known address from one to an unknown one.
    """
    mail = logged.mail
    hidden = masked and mail.template in INVITATIONS
    return MailOut(
        id=mail.id,
        template=INVITATIONS[0] if hidden else mail.template,
        programme=mail.programme,
        account_id=mail.account_id,
        reseller_id=mail.reseller_id,
        locale=mail.locale,
        state=MailState(mail.state),
        reason=mail.reason,
        subject=None if hidden else mail.subject,
        from_=mail.from_address,
        sender=mail.sender,
        reply_to=mail.reply_to,
        message_id=mail.message_id,
        repeats=mail.repeats,
        recipients=[RecipientOut.model_validate(recipient) for recipient in logged.recipients],
        job_id=mail.job_id,
        created_at=mail.created_at,
        sent_at=mail.sent_at,
        raw=mail.raw if raw else None,
    )
