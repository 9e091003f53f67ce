"""Charges as people look for them: operators of every payer, a reseller its own, by what they are for and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import Session

from kontor.fees import statements
from kontor.kernel.paging import Page, page_of, paginate, parsed_cursor
from models.fees import Charge, ChargeKind


@dataclass(frozen=True, slots=True)
class ChargeSearch:
    """Which charges are looked for; None matches any. `account_id`: whose charge, whoever pays it."""

    reseller_id: UUID | None = None
    account_id: UUID | None = None
    kind: ChargeKind | None = None
    void: bool | None = None
    first: date | None = None
    last: date | None = None


def newest(session: Session, search: ChargeSearch, cursor: str | None, limit: int) -> Page[Charge]:
    """Return charges and credits, the one made last first. Raises Invalid on an invalid cursor."""
    return page_of(session, _matching(search), Charge.id, cursor, limit)


def by_period(session: Session, search: ChargeSearch, cursor: str | None, limit: int) -> Page[Charge]:
    """Return charges and credits, those of the latest period first. Raises Invalid on an invalid cursor."""
    query, before = _matching(search), parsed_cursor(cursor, statements.position)
    if before is not None:
        query = query.where(tuple_(Charge.period_start, Charge.id) < before)
    ordered = query.order_by(Charge.period_start.desc(), Charge.id.desc()).limit(limit + 1)
    return paginate(session.scalars(ordered).all(), limit, statements.cursor_of)


def has_paid(session: Session, reseller_id: UUID, account_id: UUID) -> bool:
    """Whether a reseller was charged for an account."""
    query = select(Charge.id).where(Charge.account_id == account_id, Charge.reseller_id == reseller_id).limit(1)
    return session.scalar(query) is not None


def _matching(search: ChargeSearch) -> Select[Charge]:
    query = select(Charge)
    pairs = (
        (Charge.reseller_id, search.reseller_id),
        (Charge.account_id, search.account_id),
        (Charge.kind, search.kind),
    )
    for column, value in pairs:
        if value is not None:
            query = query.where(column == value)
    if search.void is not None:
        query = query.where(Charge.voided_at.is_not(None) if search.void else Charge.voided_at.is_(None))
    if search.first is not None:
        query = query.where(Charge.period_start >= search.first)
    if search.last is not None:
        query = query.where(Charge.period_start <= search.last)
    return query
