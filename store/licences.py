"""Queries on grants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.licences import Grant


def counting(session: Session, account_ids: Iterable[UUID], now: datetime) -> dict[UUID, list[Grant]]:
    """Return the grants of each account that run at `now` or later, oldest first; `now` is not in the past."""
    grants: dict[UUID, list[Grant]] = {account_id: [] for account_id in account_ids}
    conditions = (Grant.account_id.in_(list(grants)), Grant.ends_at > now, Grant.replaced_at.is_(None))
    query = select(Grant).where(*conditions).order_by(Grant.id)
    for grant in session.scalars(query):
        grants[grant.account_id].append(grant)
    return grants


def replace(session: Session, ids: Sequence[UUID], at: datetime) -> None:
    """Mark grants as replaced by an absolute line."""
    session.execute(update(Grant).where(Grant.id.in_(ids)).values(replaced_at=at))


def ending(session: Session, account_id: UUID, ends_at: datetime) -> list[Grant]:
    """Return the account's grants that end exactly at `ends_at` and were not replaced, by product."""
    query = (
        select(Grant)
        .where(Grant.account_id == account_id, Grant.ends_at == ends_at, Grant.replaced_at.is_(None))
        .order_by(Grant.product, Grant.id)
    )
    return list(session.scalars(query))


def products(session: Session, account_id: UUID) -> set[str]:
    """Return every product the account was ever granted."""
    return set(session.scalars(select(Grant.product).where(Grant.account_id == account_id).distinct()))
