"""Charges as operators look for them: of every payer, by what they are for and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.kernel.paging import Page, page_of
from models.fees import Charge, ChargeKind


@dataclass(frozen=True, slots=True)
class ChargeSearch:
    """Which charges operators look for; None matches any. `account_id`: whose charge, whoever pays it."""

    reseller_id: UUID | None = None
    account_id: UUID | None = None
    kind: ChargeKind | None = None
    void: bool | None = None
    first: date | None = None
    last: date | None = None


def newest(session: Session, search: ChargeSearch, cursor: str | None, limit: int) -> Page[Charge]:
    """Return charges and credits, the one made last first. Raises Invalid on an invalid cursor."""
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
    return page_of(session, query, Charge.id, cursor, limit)
