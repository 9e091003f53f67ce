"""Queries of account books. Triggers write the lines of payments, orders and charges (migration 0033)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, insert, select, text, tuple_
from sqlalchemy.orm import Session

from models.account_book import BookKind, BookLine, LowBalance
from models.accounts import Account

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
    fact = {"kind": BookKind.TRANSFER.value, "fact_id": merge_id, "currency": currency, "at": now, "recorded_at": now}
    rows = [
        {**fact, "reseller_id": old, "amount": -amount, "ref": str(new)},
        {**fact, "reseller_id": new, "amount": amount, "ref": str(old)},
    ]
    session.execute(insert(BookLine), rows)


MISSING: Final = text(
    "INSERT INTO account_book (reseller_id, kind, fact_id, amount, currency, at, recorded_at, ref, note)"
    " SELECT CASE WHEN f.recorded_at < m.at THEN f.origin_id ELSE f.reseller_id END, f.kind, f.fact_id, f.amount,"
    "  f.currency, f.at, f.recorded_at, f.ref, f.note FROM account_book_facts f LEFT JOIN LATERAL"
    "  (SELECT max(at) AS at FROM reseller_merges WHERE old_id = f.origin_id) AS m ON true"
    " WHERE f.fact_id = :fact_id AND f.kind = :kind ON CONFLICT DO NOTHING"
)


def add_missing(session: Session, fact_id: UUID, kind: str) -> None:
    """Write the line of a fact unless it has one: into the book of the reseller that it was entered for."""
    session.execute(MISSING, {"fact_id": fact_id, "kind": kind})


RISEN: Final = text(
    "DELETE FROM low_balances l WHERE l.reseller_id = ANY(:ids) AND EXISTS (SELECT FROM"
    "  (SELECT b.number, sum(b.amount) OVER (ORDER BY b.number) AS balance FROM account_book b"
    "   WHERE b.reseller_id = l.reseller_id) AS t WHERE t.number > l.number AND t.balance >= :threshold)"
)
LOW: Final = text(
    "WITH sums AS MATERIALIZED (SELECT a.id, coalesce(t.balance, 0) AS balance, coalesce(t.number, 0) AS number"
    "  FROM accounts a CROSS JOIN LATERAL (SELECT sum(b.amount) AS balance, max(b.number) AS number"
    "   FROM account_book b WHERE b.reseller_id = a.id) AS t"
    "  WHERE a.id = ANY(:ids) AND a.kind = 'reseller' AND a.deleted_at IS NULL AND a.purged_at IS NULL),"
    " fallen AS (INSERT INTO low_balances (reseller_id, since, number) SELECT id, :now, number FROM sums"
    "  WHERE balance < :threshold ORDER BY id ON CONFLICT DO NOTHING RETURNING reseller_id)"
    " SELECT s.id, s.balance FROM fallen f JOIN sums s ON s.id = f.reseller_id ORDER BY s.id"
)


def note_risen(session: Session, ids: Sequence[UUID], threshold: Decimal) -> None:
    """Forget the warnings of resellers whose balance reached the threshold with a line since, if only for a while."""
    session.execute(RISEN, {"ids": list(ids), "threshold": threshold})


def note_low(
    session: Session, ids: Sequence[UUID], threshold: Decimal, now: datetime
) -> Sequence[tuple[Account, Decimal]]:
    """Note the resellers whose balance is under the threshold; return those that were not warned, with the balance."""
    rows = session.execute(LOW, {"ids": list(ids), "threshold": threshold, "now": now}).all()
    return [(session.get_one(Account, row[0]), row[1]) for row in rows]


def low_since(session: Session, reseller_id: UUID) -> datetime | None:
    """Return since when a reseller is warned of a low balance."""
    return session.scalar(select(LowBalance.since).where(LowBalance.reseller_id == reseller_id))
