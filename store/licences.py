"""SQL of grants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.licences import Grant


def counting(session: Session, account_ids: Iterable[UUID], now: datetime) -> dict[UUID, list[Grant]]:
    """The grants of each account that run at `now`, which is no past instant, or later, oldest first."""
    found: dict[UUID, list[Grant]] = {account_id: [] for account_id in account_ids}
    running = (Grant.account_id.in_(list(found)), Grant.ends_at > now, Grant.replaced_at.is_(None))
    query = select(Grant).where(*running).order_by(Grant.id)
    for grant in session.scalars(query):
        found[grant.account_id].append(grant)
    return found


def replace(session: Session, ids: Sequence[UUID], at: datetime) -> None:
    """An absolute line took their place."""
    session.execute(update(Grant).where(Grant.id.in_(ids)).values(replaced_at=at))


def ending(session: Session, account_id: UUID, ends_at: datetime) -> list[Grant]:
    """The account's grants that end at that very instant and were not replaced, in order of product."""
    query = (
        select(Grant)
        .where(Grant.account_id == account_id, Grant.ends_at == ends_at, Grant.replaced_at.is_(None))
        .order_by(Grant.product, Grant.id)
    )
    return list(session.scalars(query))


def products(session: Session, account_id: UUID) -> set[str]:
    """Every product that the account was ever granted."""
    return set(session.scalars(select(Grant.product).where(Grant.account_id == account_id).distinct()))
