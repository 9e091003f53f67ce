"""Queries on the mail log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import Uuid, and_, bindparam, exists, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kontor.kernel.database import psycopg_connection
from kontor.kernel.paging import Page, page_of
from kontor.kernel.time_spans import ANY_TIME, TimeSpan
from kontor.kernel.validation import address_key
from models.mails import Mail, MailRecipient, MailState, RecipientRole, RecipientState, Suppression

# A duplicate is ignored unless its refs changed and no recipient has been sent the first.
ADD: Final = """
WITH added AS (
    INSERT INTO mails (id, template, programme, account_id, reseller_id, locale, facts, refs, fact_key, identity,
        repeats, job_id, created_at, state, reason)
    VALUES (%(id)s, %(template)s, %(programme)s, %(account_id)s, %(reseller_id)s, %(locale)s, %(facts)s, %(refs)s,
        %(fact_key)s, %(identity)s, %(repeats)s, %(job_id)s, %(created_at)s, %(state)s, %(reason)s)
    ON CONFLICT (identity) DO UPDATE
    SET facts = excluded.facts, refs = excluded.refs, state = excluded.state, reason = excluded.reason
    WHERE mails.state = 'skipped' AND mails.refs <> excluded.refs
        AND NOT EXISTS (SELECT FROM mail_recipients AS r WHERE r.mail_id = mails.id AND r.state = 'sent')
    RETURNING id
), theirs AS (
    INSERT INTO mail_recipients (mail_id, address_key, address, role, state, posted_at)
    SELECT added.id, r.key, r.address, r.role, r.state, %(created_at)s FROM added,
        unnest(%(keys)s::text[], %(addresses)s::text[], %(roles)s::text[], %(states)s::text[])
            AS r (key, address, role, state)
    ON CONFLICT DO NOTHING
)
SELECT id FROM added
"""
FORGET_BODIES: Final = """
UPDATE mails SET raw = NULL WHERE id = ANY(ARRAY(
    SELECT id FROM mails WHERE raw IS NOT NULL AND created_at < %s AND state NOT IN ('queued', 'held_limit')
    ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED))
"""
REVISE: Final = """
UPDATE mails SET facts = newer.facts, refs = newer.refs
FROM jsonb_to_recordset(%s) AS newer (identity text, facts jsonb, refs jsonb)
WHERE mails.identity = newer.identity AND mails.state IN ('queued', 'held_limit') AND mails.refs <> newer.refs
    AND NOT EXISTS (SELECT FROM mail_recipients AS r WHERE r.mail_id = mails.id AND r.state = 'sent')
"""
# Recipients and message in one round trip; a mail that has to be retried stays queued.
RECORD: Final = """
WITH each AS (
    UPDATE mail_recipients AS m SET state = r.state, last_error = r.error, tries = m.tries + r.tries,
        sent_at = CASE WHEN r.state = 'sent' THEN %(now)s::timestamptz END
    FROM unnest(%(keys)s::text[], %(states)s::text[], %(errors)s::text[], %(tries)s::smallint[])
        AS r (key, state, error, tries)
    WHERE mail_id = %(id)s AND address_key = r.key
)
UPDATE mails SET state = %(state)s::text, reason = %(reason)s, message_id = %(message_id)s, subject = %(subject)s,
    from_address = %(from_address)s, sender = %(sender)s, reply_to = %(reply_to)s, raw = %(raw)s, job_id = %(job_id)s,
    sent_at = CASE WHEN %(state)s::text = 'sent' THEN %(now)s::timestamptz END
WHERE id = %(id)s
"""


LOCK_WITH_RECIPIENTS = (
    select(Mail, MailRecipient, Suppression.until)
    .join(MailRecipient, MailRecipient.mail_id == Mail.id)
    .outerjoin(Suppression, Suppression.address_key == MailRecipient.address_key)
    .where(Mail.id == bindparam("mail_id", type_=Uuid))
    .order_by(MailRecipient.role.desc(), MailRecipient.address_key)
    .with_for_update(of=Mail)
)


@dataclass(frozen=True, slots=True)
class Recipient:
    """A recipient address of a mail. `folded`: the mail is listed in a digest to it instead."""

    address: str
    role: RecipientRole
    folded: bool = False

    @property
    def key(self) -> str:
        """Key for comparing addresses."""
        return address_key(self.address)

    @property
    def state(self) -> str:
        """The state in which the recipient is logged."""
        return (RecipientState.FOLDED if self.folded else RecipientState.QUEUED).value


@dataclass(frozen=True, slots=True)
class NewMail:
    """A mail to insert; `identity` detects duplicates."""

    id: UUID
    template: str
    programme: str | None
    account_id: UUID | None
    reseller_id: UUID | None
    locale: str
    facts: Mapping[str, object]
    refs: Mapping[str, object]
    fact_key: str
    identity: str
    created_at: datetime
    recipients: tuple[Recipient, ...]
    job_id: UUID | None = None
    repeats: UUID | None = None
    state: str = MailState.QUEUED.value
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RecipientResult:
    """Result of an attempt for one recipient."""

    key: str
    state: RecipientState
    error: str | None = None
    tries: int = 1


@dataclass(frozen=True, slots=True)
class MailFilter:
    """Mail filter; None matches any. `reseller` matches its own mails and those of its clients; `templates`: one of."""

    account: UUID | None = None
    reseller: UUID | None = None
    template: str | None = None
    templates: Sequence[str] | None = None
    states: Sequence[str] = field(default=())
    created: TimeSpan = ANY_TIME


def add(session: Session, mail: NewMail) -> UUID | None:
    """Insert a mail with its recipients and return its id; None for a duplicate.

    A duplicate with other refs replaces the facts of the first: a skipped mail is queued again (and its id
    returned), a queued one is updated.
    """
    values = {
        **asdict(mail),
        "facts": Jsonb(dict(mail.facts)),
        "refs": Jsonb(dict(mail.refs)),
        "keys": [recipient.key for recipient in mail.recipients],
        "addresses": [recipient.address for recipient in mail.recipients],
        "roles": [recipient.role.value for recipient in mail.recipients],
        "states": [recipient.state for recipient in mail.recipients],
    }
    session.flush()
    row = psycopg_connection(session).execute(ADD, values).fetchone()
    if row is None:
        _revise(session, [mail])
        return None
    mail_id: UUID = row[0]
    return mail_id


def add_many(session: Session, mails: Sequence[NewMail]) -> list[NewMail]:
    """Insert many mails as `add` does; return those to send, each once, with their ids in the log."""
    by_identity = {mail.identity: mail for mail in reversed(mails)}
    if not by_identity:
        return []
    into = insert(Mail)
    newer = {name: into.excluded[name] for name in ("facts", "refs", "state", "reason")}
    # In an upsert nothing correlates a subquery with the row, so `Mail.id` would join the whole log.
    row_id = literal_column("mails.id", Uuid)
    sent = exists().where(MailRecipient.mail_id == row_id, MailRecipient.state == RecipientState.SENT)
    requeued = and_(Mail.state == MailState.SKIPPED, Mail.refs != into.excluded.refs, ~sent)
    upsert = into.on_conflict_do_update(index_elements=["identity"], set_=newer, where=requeued)
    values = [
        {name: value for name, value in asdict(mail).items() if name != "recipients"} for mail in by_identity.values()
    ]
    rows = session.execute(upsert.returning(Mail.id, Mail.identity), values).all()
    to_send = [replace(by_identity[identity], id=mail_id) for mail_id, identity in rows]
    recipients = [
        {
            "mail_id": mail.id,
            "address_key": recipient.key,
            "address": recipient.address,
            "role": recipient.role.value,
            "state": recipient.state,
            "posted_at": mail.created_at,
        }
        for mail in to_send
        for recipient in mail.recipients
    ]
    if recipients:
        session.execute(insert(MailRecipient).on_conflict_do_nothing(), recipients)
    added = {identity for _, identity in rows}
    _revise(session, [mail for identity, mail in by_identity.items() if identity not in added])
    return to_send


def _revise(session: Session, mails: Sequence[NewMail]) -> None:
    """Replace facts and refs of queued mails with the same identity by newer ones."""
    newer = [{"identity": mail.identity, "facts": dict(mail.facts), "refs": dict(mail.refs)} for mail in mails]
    if newer:
        session.flush()
        psycopg_connection(session).execute(REVISE, (Jsonb(newer),))


def by_id(session: Session, mail_id: UUID) -> Mail | None:
    """Return one mail of the log."""
    return session.get(Mail, mail_id)


def lock_mail(session: Session, mail_id: UUID) -> Mail | None:
    """Lock, reread and return one mail of the log."""
    query = select(Mail).where(Mail.id == mail_id).with_for_update()
    return session.scalar(query.execution_options(populate_existing=True))


def resends_of(session: Session, mail_id: UUID) -> list[Mail]:
    """Return the resends of a mail, oldest first."""
    return list(session.scalars(select(Mail).where(Mail.repeats == mail_id).order_by(Mail.id)))


def lock_with_recipients(
    session: Session, mail_id: UUID
) -> tuple[Mail, list[tuple[MailRecipient, datetime | None]]] | None:
    """Lock and return a mail with its recipients (`To` first) and the end of each one's suppression."""
    rows = session.execute(LOCK_WITH_RECIPIENTS, {"mail_id": mail_id}).all()
    if not rows:
        return None
    return rows[0][0], [(row[1], row[2]) for row in rows]


@dataclass(frozen=True, slots=True)
class MailResult:
    """State of a mail after an attempt."""

    state: MailState
    reason: str | None
    job_id: UUID
    message_id: str
    subject: str
    from_address: str
    sender: str | None
    reply_to: str | None
    raw: str


def record(
    session: Session, mail_id: UUID, result: MailResult, tried: Iterable[RecipientResult], now: datetime
) -> None:
    """Store the state of the mail and of each recipient tried."""
    outcomes = list(tried)
    recipients = {
        "keys": [outcome.key for outcome in outcomes],
        "states": [outcome.state.value for outcome in outcomes],
        "errors": [outcome.error for outcome in outcomes],
        "tries": [outcome.tries for outcome in outcomes],
    }
    values = {**asdict(result), **recipients, "id": mail_id, "now": now, "state": result.state.value}
    session.flush()
    psycopg_connection(session).execute(RECORD, values)


def close(session: Session, mail_id: UUID, state: MailState, reason: str, job_id: UUID) -> None:
    """Close a queued mail that is not sent; others stay unchanged."""
    waiting = (Mail.id == mail_id, Mail.state == MailState.QUEUED)
    values = {"state": state.value, "reason": reason, "job_id": job_id}
    session.execute(update(Mail).where(*waiting).values(**values))


def set_queued_reason(session: Session, mail_id: UUID, reason: str, job_id: UUID) -> None:
    """Store the reason why a mail is still queued."""
    waiting = (Mail.id == mail_id, Mail.state == MailState.QUEUED)
    session.execute(update(Mail).where(*waiting).values(reason=reason, job_id=job_id))


def recipients(session: Session, mail_ids: Sequence[UUID]) -> list[MailRecipient]:
    """Return the recipients of these mails, `To` first."""
    query = select(MailRecipient).where(MailRecipient.mail_id.in_(mail_ids))
    return list(session.scalars(query.order_by(MailRecipient.mail_id, MailRecipient.role.desc())))


def page(session: Session, criteria: MailFilter, cursor: str | None, limit: int) -> Page[Mail]:
    """Return mails, newest first. Raises Invalid."""
    equal = {Mail.account_id: criteria.account, Mail.reseller_id: criteria.reseller, Mail.template: criteria.template}
    query = select(Mail).where(*(column == value for column, value in equal.items() if value is not None))
    query = query.where(*criteria.created.conditions(Mail.created_at))
    lists = {Mail.template: criteria.templates, Mail.state: criteria.states or None}
    query = query.where(*(column.in_(values) for column, values in lists.items() if values is not None))
    return page_of(session, query, Mail.id, cursor, limit)


def forget_bodies(session: Session, before: datetime, most: int) -> int:
    """Drop the bodies of mails made before an instant, the oldest first; return how many. Their facts stay."""
    return psycopg_connection(session).execute(FORGET_BODIES, (before, most)).rowcount
