"""SQL of the mail log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, delete, exists, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session

from domain.names import address_key
from models.mails import Mail, MailOptOut, MailRecipient, MailState, RecipientRole, RecipientState, Suppression

# A repeat is nothing at all, unless it says something else of the same thing and nobody was told yet.
_UNTOLD = "NOT EXISTS (SELECT FROM mail_recipients AS r WHERE r.mail_id = mails.id AND r.state = 'sent')"
_TAKEN_UP = f"mails.state = 'skipped' AND mails.refs <> excluded.refs AND {_UNTOLD}"
ADD = text(
    "WITH told AS ("  # noqa: S608 -- constants
    " INSERT INTO mails (id, template, programme, account_id, reseller_id, locale, facts, refs,"
    "  fact_key, identity, repeats, job_id, created_at)"
    " VALUES (:id, :template, :programme, :account_id, :reseller_id, :locale, :facts, :refs,"
    "  :fact_key, :identity, :repeats, :job_id, :created_at)"
    " ON CONFLICT (identity) DO UPDATE"
    " SET facts = excluded.facts, refs = excluded.refs, state = 'queued', reason = NULL"
    f" WHERE {_TAKEN_UP} RETURNING id),"
    " theirs AS (INSERT INTO mail_recipients (mail_id, address_key, address, role)"
    " SELECT told.id, r.key, r.address, r.role FROM told,"
    " unnest(CAST(:keys AS text[]), CAST(:addresses AS text[]), CAST(:roles AS text[]))"
    " AS r (key, address, role) ON CONFLICT DO NOTHING)"
    " SELECT id FROM told"
).bindparams(bindparam("facts", type_=JSONB), bindparam("refs", type_=JSONB))
REVISE = text(
    "UPDATE mails SET facts = newer.facts, refs = newer.refs"  # noqa: S608 -- constants
    " FROM jsonb_to_recordset(CAST(:newer AS jsonb)) AS newer (identity text, facts jsonb, refs jsonb)"
    " WHERE mails.identity = newer.identity AND mails.state = 'queued' AND mails.refs <> newer.refs"
    f" AND {_UNTOLD}"
).bindparams(bindparam("newer", type_=JSONB))
# Recipients and message in one round trip; a mail that is to be tried again stays queued.
RECORD = text(
    "WITH each AS ("
    " UPDATE mail_recipients AS m SET state = r.state, last_error = r.error, tries = m.tries + r.tries,"
    "  sent_at = CASE WHEN r.state = 'sent' THEN CAST(:now AS timestamptz) END"
    " FROM unnest(CAST(:keys AS text[]), CAST(:states AS text[]), CAST(:errors AS text[]),"
    "  CAST(:tries AS smallint[])) AS r (key, state, error, tries)"
    " WHERE mail_id = :id AND address_key = r.key)"
    " UPDATE mails SET state = CAST(:state AS text), reason = :reason, message_id = :message_id,"
    "  subject = :subject, from_address = :from_address, sender = :sender, reply_to = :reply_to,"
    "  raw = :raw, job_id = :job_id,"
    "  sent_at = CASE WHEN CAST(:state AS text) = 'sent' THEN CAST(:now AS timestamptz) END"
    " WHERE id = :id"
)


LOCKED = (
    select(Mail, MailRecipient, Suppression.until)
    .join(MailRecipient, MailRecipient.mail_id == Mail.id)
    .outerjoin(Suppression, Suppression.address_key == MailRecipient.address_key)
    .where(Mail.id == bindparam("mail_id", type_=Uuid))
    .order_by(MailRecipient.role.desc(), MailRecipient.address_key)
    .with_for_update(of=Mail)
)


@dataclass(frozen=True, slots=True)
class Recipient:
    """An address a mail goes to."""

    address: str
    role: RecipientRole

    @property
    def key(self) -> str:
        """What it is compared by."""
        return address_key(self.address)


@dataclass(frozen=True, slots=True)
class NewMail:
    """A mail to be: `identity` decides whether it was told before."""

    id: UUID
    template: str
    programme: str | None
    account_id: UUID | None
    reseller_id: UUID | None
    locale: str
    facts: Mapping[str, Any]
    refs: Mapping[str, Any]
    fact_key: str
    identity: str
    created_at: datetime
    recipients: tuple[Recipient, ...]
    job_id: UUID | None = None
    repeats: UUID | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one recipient."""

    key: str
    state: RecipientState
    error: str | None = None
    tries: int = 1


@dataclass(frozen=True, slots=True)
class MailFilter:
    """Which mails of the log; None: any. `reseller` means its own mails and its clients'."""

    account: UUID | None = None
    reseller: UUID | None = None
    template: str | None = None
    states: Sequence[str] = field(default=())


def add(session: Session, mail: NewMail) -> UUID | None:
    """Insert a mail with its recipients and return its id; None when the same thing was told, or waits to be.

    One that said something else of the same thing tells the newer: it is taken up again (and its id returned) when
    it was skipped, and revised while it waits.
    """
    values = {
        "id": mail.id,
        "template": mail.template,
        "programme": mail.programme,
        "account_id": mail.account_id,
        "reseller_id": mail.reseller_id,
        "locale": mail.locale,
        "facts": dict(mail.facts),
        "refs": dict(mail.refs),
        "fact_key": mail.fact_key,
        "identity": mail.identity,
        "repeats": mail.repeats,
        "job_id": mail.job_id,
        "created_at": mail.created_at,
        "keys": [one.key for one in mail.recipients],
        "addresses": [one.address for one in mail.recipients],
        "roles": [one.role.value for one in mail.recipients],
    }
    found: UUID | None = session.scalar(ADD, values)
    if found is None:
        _revise(session, [mail])
    return found


def add_many(session: Session, mails: Sequence[NewMail]) -> list[NewMail]:
    """`add` for many; returns those that are to be sent, each once, under the ids that they have."""
    wanted = {mail.identity: mail for mail in reversed(mails)}
    if not wanted:
        return []
    into = insert(Mail)
    newer = {"facts": into.excluded.facts, "refs": into.excluded.refs, "state": MailState.QUEUED, "reason": None}
    table = into.on_conflict_do_update(index_elements=["identity"], set_=newer, where=text(_TAKEN_UP))
    values = [{name: value for name, value in asdict(mail).items() if name != "recipients"} for mail in wanted.values()]
    fresh = session.execute(table.returning(Mail.id, Mail.identity), values).all()
    told = [replace(wanted[identity], id=mail_id) for mail_id, identity in fresh]
    recipients = [
        {"mail_id": mail.id, "address_key": one.key, "address": one.address, "role": one.role.value}
        for mail in told
        for one in mail.recipients
    ]
    if recipients:
        session.execute(insert(MailRecipient).on_conflict_do_nothing(), recipients)
    known = {identity for _, identity in fresh}
    _revise(session, [mail for identity, mail in wanted.items() if identity not in known])
    return told


def _revise(session: Session, mails: Sequence[NewMail]) -> None:
    """Let mails that wait tell what is newer of the same things."""
    newer = [{"identity": one.identity, "facts": dict(one.facts), "refs": dict(one.refs)} for one in mails]
    if newer:
        session.execute(REVISE, {"newer": newer})


def by_id(session: Session, mail_id: UUID) -> Mail | None:
    """One mail of the log."""
    return session.get(Mail, mail_id)


def held(session: Session, mail_id: UUID) -> Mail | None:
    """One mail of the log, locked and read anew."""
    query = select(Mail).where(Mail.id == mail_id).with_for_update()
    return session.scalar(query.execution_options(populate_existing=True))


def repeats(session: Session, mail_id: UUID) -> list[Mail]:
    """The mails by which one was sent again, the first one first."""
    return list(session.scalars(select(Mail).where(Mail.repeats == mail_id).order_by(Mail.id)))


def suppressed_until(session: Session, address_key: str, now: datetime) -> datetime | None:
    """Until when nothing is sent to an address that refused mail; None: it may be written to."""
    query = select(Suppression.until).where(Suppression.address_key == address_key, Suppression.until > now)
    return session.scalar(query)


def locked(session: Session, mail_id: UUID) -> tuple[Mail, list[tuple[MailRecipient, datetime | None]]] | None:
    """A mail, locked, and its recipients (`To` first) with the end of each suppression."""
    rows = session.execute(LOCKED, {"mail_id": mail_id}).all()
    if not rows:
        return None
    return rows[0][0], [(row[1], row[2]) for row in rows]


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a mail after an attempt."""

    state: MailState
    reason: str | None
    job_id: UUID
    message_id: str
    subject: str
    from_address: str
    sender: str | None
    reply_to: str | None
    raw: str


def record(session: Session, mail_id: UUID, known: Record, tried: Iterable[Tried], now: datetime) -> None:
    """Write what became of the message and of each recipient that was tried."""
    outcomes = list(tried)
    recipients = {
        "keys": [one.key for one in outcomes],
        "states": [one.state.value for one in outcomes],
        "errors": [one.error for one in outcomes],
        "tries": [one.tries for one in outcomes],
    }
    session.execute(RECORD, {**asdict(known), **recipients, "id": mail_id, "now": now, "state": known.state.value})


def close(session: Session, mail_id: UUID, state: MailState, reason: str, job_id: UUID) -> None:
    """End a mail that is not sent; one that was dealt with stays as it is."""
    waiting = (Mail.id == mail_id, Mail.state == MailState.QUEUED)
    values = {"state": state.value, "reason": reason, "job_id": job_id}
    session.execute(update(Mail).where(*waiting).values(**values))


def note(session: Session, mail_id: UUID, reason: str, job_id: UUID) -> None:
    """Say why a mail still waits."""
    waiting = (Mail.id == mail_id, Mail.state == MailState.QUEUED)
    session.execute(update(Mail).where(*waiting).values(reason=reason, job_id=job_id))


def suppress(session: Session, keys: Iterable[str], until: datetime, reason: str) -> None:
    """Send nothing to these addresses before `until`."""
    for key in keys:
        statement = insert(Suppression).values(address_key=key, until=until, reason=reason)
        later = {"until": statement.excluded.until, "reason": statement.excluded.reason}
        session.execute(statement.on_conflict_do_update(index_elements=["address_key"], set_=later))


def opted_out(session: Session, address_key: str, template: str) -> bool:
    """Whether an address left this kind of mail."""
    mine = exists().where(MailOptOut.address_key == address_key, MailOptOut.template == template)
    return bool(session.scalar(select(mine)))


def opt_out(session: Session, address_key: str, template: str, at: datetime) -> None:
    """Remember that an address left this kind of mail."""
    values = {"address_key": address_key, "template": template, "at": at}
    session.execute(insert(MailOptOut).values(**values).on_conflict_do_nothing())


def drop_suppressions(session: Session, now: datetime) -> None:
    """Forget the suppressions that are over."""
    session.execute(delete(Suppression).where(Suppression.until <= now))


def recipients(session: Session, mail_ids: Sequence[UUID]) -> list[MailRecipient]:
    """The recipients of some mails."""
    query = select(MailRecipient).where(MailRecipient.mail_id.in_(mail_ids))
    return list(session.scalars(query.order_by(MailRecipient.mail_id, MailRecipient.role.desc())))


def page(session: Session, wanted: MailFilter, before: UUID | None, limit: int) -> list[Mail]:
    """Mails of the log, newest first, after the one with id `before`."""
    query = select(Mail).order_by(Mail.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Mail.id < before)
    if wanted.account is not None:
        query = query.where(Mail.account_id == wanted.account)
    if wanted.reseller is not None:
        query = query.where(Mail.reseller_id == wanted.reseller)
    if wanted.template is not None:
        query = query.where(Mail.template == wanted.template)
    if wanted.states:
        query = query.where(Mail.state.in_(wanted.states))
    return list(session.scalars(query))
