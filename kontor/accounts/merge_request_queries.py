"""Queries of requests for a merge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from models.accounts import Account, AccountKind
from models.merging import MergeRequest

KEPT: Final = timedelta(days=60)
MOST_MEANT: Final = 20
"""Resellers with one admin address that are asked by one request."""


def by_id(session: Session, request_id: UUID, *, lock: bool = False) -> MergeRequest | None:
    """Return a request; `lock` rereads it and locks it to the end of the transaction."""
    query = select(MergeRequest).where(MergeRequest.id == request_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def latest(session: Session, reseller_id: UUID) -> MergeRequest | None:
    """Return the newest request of a reseller."""
    query = select(MergeRequest).where(MergeRequest.reseller_id == reseller_id)
    return session.scalars(query.order_by(MergeRequest.id.desc()).limit(1)).one_or_none()


def resellers_named(session: Session, programme: str, name_key: str, email_key: str) -> Sequence[Account]:
    """Return the working resellers of a programme with a name or an admin address."""
    named = select(Account).where(or_(Account.name_key == name_key, Account.email_key == email_key))
    mine = named.where(Account.programme == programme, Account.kind == AccountKind.RESELLER)
    working = mine.where(Account.deleted_at.is_(None), Account.purged_at.is_(None), Account.suspended.is_(False))
    return session.scalars(working.order_by(Account.id).limit(MOST_MEANT)).all()


def delete_expired(session: Session, now: datetime) -> None:
    """Delete requests that ended 60 days ago."""
    session.execute(delete(MergeRequest).where(MergeRequest.expires_at <= now - KEPT))
