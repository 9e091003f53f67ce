"""Queries on mails that a limit holds."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from models.mails import Mail, MailState

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
