"""Queries on mails that a limit holds, and on how many mails addresses had and what was folded since."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from kontor.kernel.database import psycopg_connection
from kontor.kernel.limits import ADDRESS_MAILS
from models.mails import Mail, MailRecipient, MailState, RecipientState

LEFT: Final = """
WITH most AS (
    SELECT coalesce((SELECT value FROM limit_overrides WHERE name = %(name)s AND subject = ''), %(default)s) AS value
)
SELECT k.key, most.value - (
    SELECT count(*) FROM (
        SELECT 1 FROM mail_recipients AS r
        WHERE r.address_key = k.key AND r.posted_at > %(since)s AND r.posted_at <= %(now)s LIMIT most.value
    ) AS recent
) FROM most, unnest(%(keys)s::text[]) AS k (key)
"""
CHUNK: Final = 10_000


class FoldedMail(NamedTuple):
    """A mail and its recipient for whom it was folded."""

    mail: Mail
    recipient: MailRecipient


def mails_left(session: Session, keys: Collection[str], now: datetime) -> dict[str, int]:
    """Return how many further mails each address may have by itself today."""
    window = ADDRESS_MAILS.window or timedelta()
    values = {
        "name": ADDRESS_MAILS.name,
        "default": ADDRESS_MAILS.default,
        "since": now - window,
        "now": now,
        "keys": sorted(keys),
    }
    return dict(psycopg_connection(session).execute(LEFT, values).fetchall())


def lock_folded(session: Session) -> list[FoldedMail]:
    """Lock and return the recipients of folded mails that no digest lists yet, by address, oldest first."""
    query = (
        select(Mail, MailRecipient)
        .join(MailRecipient, MailRecipient.mail_id == Mail.id)
        .where(MailRecipient.state == RecipientState.FOLDED, MailRecipient.folded_in.is_(None))
        .order_by(MailRecipient.address_key, Mail.id)
        .limit(CHUNK)
        .with_for_update(of=MailRecipient, skip_locked=True)
    )
    return [FoldedMail(mail, recipient) for mail, recipient in session.execute(query)]


HELD = Mail.state == MailState.HELD_LIMIT


def has_held(session: Session, account_id: UUID) -> bool:
    """Return whether a mail to an account is held."""
    return bool(session.scalar(select(exists().where(Mail.account_id == account_id, HELD))))


def resellers_with_held(session: Session) -> list[tuple[UUID, int]]:
    """Return resellers with held mails and how many each has."""
    query = select(Mail.reseller_id, func.count()).where(HELD, Mail.reseller_id.is_not(None))
    rows = session.execute(query.group_by(Mail.reseller_id).order_by(Mail.reseller_id))
    return [(reseller_id, count) for reseller_id, count in rows if reseller_id is not None]


def lock_held(session: Session, reseller_id: UUID, limit: int) -> list[Mail]:
    """Lock and return a reseller's oldest held mails; locked ones are skipped."""
    query = select(Mail).where(HELD, Mail.reseller_id == reseller_id).order_by(Mail.id).limit(max(0, limit))
    return list(session.scalars(query.with_for_update(skip_locked=True)))
