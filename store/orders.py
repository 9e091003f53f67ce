"""Queries of orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.orders import OrderRow


def add(session: Session, values: Mapping[str, Any]) -> OrderRow | None:
    """Insert an order; None when the reseller has used the reference before."""
    statement = insert(OrderRow).values(**values)
    insertion = statement.on_conflict_do_nothing(index_elements=["reseller_id", "order_ref"])
    return session.scalars(insertion.returning(OrderRow)).one_or_none()


def by_reference(session: Session, reseller_id: UUID, order_ref: str) -> OrderRow | None:
    """Return a reseller's order with that reference."""
    conditions = (OrderRow.reseller_id == reseller_id, OrderRow.order_ref == order_ref)
    return session.scalars(select(OrderRow).where(*conditions)).one_or_none()


def page(session: Session, reseller_id: UUID, before: UUID | None, limit: int) -> list[OrderRow]:
    """Return a reseller's orders, newest first."""
    query = select(OrderRow).where(OrderRow.reseller_id == reseller_id)
    if before is not None:
        query = query.where(OrderRow.id < before)
    return list(session.scalars(query.order_by(OrderRow.id.desc()).limit(limit)))
