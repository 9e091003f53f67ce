"""Queries on addresses: those that confirmed, those suppressed after a refusal, and their opt-outs."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.limits import ConfirmedAddress
from models.mails import MailOptOut, Suppression


def confirmed(session: Session, owner_id: UUID, digests: Collection[str]) -> set[str]:
    """Return those of the addresses (by digest) whose owners used a link or signed in at an account's or reseller's."""
    mine = (ConfirmedAddress.owner_id == owner_id, ConfirmedAddress.address.in_(digests))
    return set(session.scalars(select(ConfirmedAddress.address).where(*mine)))


def confirm(session: Session, owner_ids: Collection[UUID], digest: str, at: datetime) -> None:
    """Record that the owner of an address used a link or signed in."""
    rows = [{"owner_id": owner_id, "address": digest, "at": at} for owner_id in owner_ids]
    session.execute(insert(ConfirmedAddress).values(rows).on_conflict_do_nothing())


def suppressed_until(session: Session, address_key: str, now: datetime) -> datetime | None:
    """Return the end of an address's suppression; None if it is not suppressed."""
    query = select(Suppression.until).where(Suppression.address_key == address_key, Suppression.until > now)
    return session.scalar(query)


def suppress(session: Session, keys: Iterable[str], until: datetime, reason: str) -> None:
    """Suppress mail to these addresses until `until`."""
    for key in keys:
        statement = insert(Suppression).values(address_key=key, until=until, reason=reason)
        changes = {"until": statement.excluded.until, "reason": statement.excluded.reason}
        session.execute(statement.on_conflict_do_update(index_elements=["address_key"], set_=changes))


def opted_out(session: Session, address_key: str, template: str) -> bool:
    """Return whether an address unsubscribed from this kind of mail."""
    opt_out = exists().where(MailOptOut.address_key == address_key, MailOptOut.template == template)
    return bool(session.scalar(select(opt_out)))


def opt_out(session: Session, address_key: str, template: str, at: datetime) -> None:
    """Record that an address unsubscribed from this kind of mail."""
    values = {"address_key": address_key, "template": template, "at": at}
    session.execute(insert(MailOptOut).values(**values).on_conflict_do_nothing())


def delete_suppressions(session: Session, now: datetime) -> None:
    """Delete expired suppressions."""
    session.execute(delete(Suppression).where(Suppression.until <= now))
