"""Queries of orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kontor.kernel.paging import Page, page_of
from kontor.kernel.states import OrderKind, OrderState
from kontor.kernel.time_spans import ANY_TIME, TimeSpan
from models.orders import OrderEntry, OrderRow


def add(session: Session, values: Mapping[str, object]) -> OrderRow | None:
    """Insert an order; None when the reseller has used the reference before."""
    statement = insert(OrderRow).values(**values)
    insertion = statement.on_conflict_do_nothing(index_elements=["reseller_id", "order_ref"])
    return session.scalars(insertion.returning(OrderRow)).one_or_none()


def by_id(session: Session, order_id: UUID, *, lock: bool = False) -> OrderRow | None:
    """Return one order; `lock`: its row, refreshed."""
    query = select(OrderRow).where(OrderRow.id == order_id)
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def by_reference(session: Session, reseller_id: UUID, order_ref: str) -> OrderRow | None:
    """Return a reseller's order with that reference."""
    conditions = (OrderRow.reseller_id == reseller_id, OrderRow.order_ref == order_ref)
    return session.scalars(select(OrderRow).where(*conditions)).one_or_none()


def has_external_id(session: Session, reseller_id: UUID, external_id: str) -> bool:
    """Whether an order of the reseller has an id of another system."""
    conditions = (OrderRow.reseller_id == reseller_id, OrderRow.external_id == external_id)
    return session.scalar(select(OrderRow.id).where(*conditions)) is not None


def of_service(session: Session, service_id: UUID, limit: int = 100) -> Sequence[OrderRow]:
    """Return the orders of a service, newest first."""
    query = select(OrderRow).where(OrderRow.service_id == service_id).order_by(OrderRow.id.desc())
    return session.scalars(query.limit(limit)).all()


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders are listed; None matches any."""

    state: OrderState | None = None
    external_id: str | None = None
    created: TimeSpan = ANY_TIME
    kind: OrderKind | None = None
    product: str | None = None
    account_id: UUID | None = None


def page(
    session: Session, reseller_id: UUID | None, filters: OrderFilter, cursor: str | None, limit: int
) -> Page[OrderRow]:
    """Return a reseller's orders, or (None) those of all, newest first. Raises Invalid on an invalid cursor."""
    query = select(OrderRow).where(*filters.created.conditions(OrderRow.created_at))
    pairs = (
        (OrderRow.reseller_id, reseller_id),
        (OrderRow.account_id, filters.account_id),
        (OrderRow.state, filters.state),
        (OrderRow.kind, filters.kind),
        (OrderRow.product, filters.product),
        (OrderRow.external_id, filters.external_id),
    )
    for column, value in pairs:
        if value is not None:
            query = query.where(column == value)
    return page_of(session, query, OrderRow.id, cursor, limit)


def entries_of(session: Session, order_id: UUID) -> Sequence[OrderEntry]:
    """Return what was credited of an order and charged again, oldest first."""
    query = select(OrderEntry).where(OrderEntry.order_id == order_id)
    return session.scalars(query.order_by(OrderEntry.id)).all()
