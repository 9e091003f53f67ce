"""Queries of account books. Triggers write the lines of payments, orders and charges (migration 0033)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, insert, select, tuple_
from sqlalchemy.orm import Session

from models.account_book import BookLine, LineKind

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class LinePosition:
    """A position in the order of the lines of a book."""

    at: datetime
    number: int


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Lines from `since` to before `until`, of those recorded at `as_recorded` or earlier; aware, None: any."""

    since: datetime | None = None
    until: datetime | None = None
    as_recorded: datetime | None = None


def balance(session: Session, reseller_id: UUID, filters: LineFilter = LineFilter()) -> Decimal:
    """Return the sum of the lines before `until`, whatever `since`."""
    return _sum(session, reseller_id, *_before(filters, filters.until))


def balance_before(session: Session, reseller_id: UUID, filters: LineFilter, after: LinePosition | None) -> Decimal:
    """Return the balance before the first line of a page: of what precedes `since`, or up to and including `after`."""
    if after is None:
        return _sum(session, reseller_id, *_before(filters, filters.since)) if filters.since else ZERO
    position = tuple_(BookLine.at, BookLine.number) <= (after.at, after.number)
    return _sum(session, reseller_id, *_before(filters, None), position)


def lines(
    session: Session, reseller_id: UUID, filters: LineFilter, after: LinePosition | None, limit: int
) -> Sequence[BookLine]:
    """Return lines in the order of the book."""
    conditions = [BookLine.reseller_id == reseller_id, *_before(filters, filters.until)]
    if filters.since is not None:
        conditions.append(BookLine.at >= filters.since)
    if after is not None:
        conditions.append(tuple_(BookLine.at, BookLine.number) > (after.at, after.number))
    query = select(BookLine).where(*conditions).order_by(BookLine.at, BookLine.number).limit(limit)
    return session.scalars(query).all()


def _before(filters: LineFilter, until: datetime | None) -> list[ColumnElement[bool]]:
    conditions = []
    if until is not None:
        conditions.append(BookLine.at < until)
    if filters.as_recorded is not None:
        conditions.append(BookLine.recorded_at <= filters.as_recorded)
    return conditions


def _sum(session: Session, reseller_id: UUID, *conditions: ColumnElement[bool]) -> Decimal:
    total = select(func.sum(BookLine.amount)).where(BookLine.reseller_id == reseller_id, *conditions)
    return session.scalar(total) or ZERO


def add_transfer(
    session: Session, merge_id: UUID, old: UUID, new: UUID, amount: Decimal, currency: str, now: datetime
) -> None:
    """Write the two lines that move a balance from one book into another."""
    fact = {"kind": LineKind.TRANSFER.value, "fact_id": merge_id, "currency": currency, "at": now, "recorded_at": now}
    rows = [
        {**fact, "reseller_id": old, "amount": -amount, "ref": str(new)},
        {**fact, "reseller_id": new, "amount": amount, "ref": str(old)},
    ]
    session.execute(insert(BookLine), rows)
