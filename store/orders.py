"""SQL of orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.orders import OrderRow


def add(session: Session, values: Mapping[str, Any]) -> OrderRow | None:
    """Insert an order; None when its reseller used the reference before."""
    statement = insert(OrderRow).values(**values)
    unless = statement.on_conflict_do_nothing(index_elements=["reseller_id", "order_ref"])
    return session.scalars(unless.returning(OrderRow)).one_or_none()


def by_reference(session: Session, reseller_id: UUID, order_ref: str) -> OrderRow | None:
    """What a reseller ordered under a reference."""
    mine = (OrderRow.reseller_id == reseller_id, OrderRow.order_ref == order_ref)
    return session.scalars(select(OrderRow).where(*mine)).one_or_none()


def page(session: Session, reseller_id: UUID, before: UUID | None, limit: int) -> list[OrderRow]:
    """Orders of a reseller, newest first."""
    query = select(OrderRow).where(OrderRow.reseller_id == reseller_id)
    if before is not None:
        query = query.where(OrderRow.id < before)
    return list(session.scalars(query.order_by(OrderRow.id.desc()).limit(limit)))
