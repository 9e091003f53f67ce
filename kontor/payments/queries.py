"""Queries of the payment ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import Row, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kontor.kernel.paging import Page, page_of
from kontor.kernel.states import PaymentKind
from models.accounts import Account
from models.merging import ResellerMerge
from models.payments import PaymentRow

ZERO: Final = Decimal(0)
TURNOVERS: Final = text(
    "SELECT coalesce(t.total, 0) FROM unnest(CAST(:ids AS uuid[]), CAST(:starts AS timestamptz[]),"
    "  CAST(:ends AS timestamptz[])) WITH ORDINALITY AS w (reseller_id, since, until, place)"
    " CROSS JOIN LATERAL (SELECT sum(p.signed) AS total FROM payments p WHERE p.reseller_id = w.reseller_id"
    "  AND p.paid_at >= w.since AND p.paid_at < w.until) AS t ORDER BY w.place"
)
PaymentEntry = Row[UUID, UUID, str, Decimal, datetime, str]
"""(id, reseller_id, kind, amount, paid_at, reference) of an entry."""


@dataclass(frozen=True, slots=True)
class PaymentFilter:
    """Filter of payments; None: any. From `since` to before `until`, aware."""

    kind: PaymentKind | None = None
    since: datetime | None = None
    until: datetime | None = None
    reference: str | None = None


def add(session: Session, values: Mapping[str, object]) -> PaymentRow | None:
    """Insert an entry; None when the reseller has used the reference before."""
    statement = insert(PaymentRow).values(**values)
    insertion = statement.on_conflict_do_nothing(index_elements=["origin_id", "reference"])
    return session.scalars(insertion.returning(PaymentRow)).one_or_none()


def by_reference(session: Session, origin_id: UUID, counted_for: UUID, reference: str) -> PaymentRow | None:
    """Return the entry with a reference that was posted to a reseller, or before to one that was merged into it.

    `counted_for`: the reseller for which payments to `origin_id` count.
    """
    own = select(PaymentRow).where(PaymentRow.origin_id == origin_id, PaymentRow.reference == reference)
    row = session.scalars(own).one_or_none()
    if row is not None:
        return row
    merged = select(ResellerMerge.old_id).where(ResellerMerge.new_id == origin_id).cte("merged", recursive=True)
    merged = merged.union(select(ResellerMerge.old_id).where(ResellerMerge.new_id == merged.c.old_id))
    moved = select(PaymentRow).join(merged, PaymentRow.origin_id == merged.c.old_id)
    same = (PaymentRow.reference == reference, PaymentRow.reseller_id == counted_for)
    return session.scalars(moved.where(*same).order_by(PaymentRow.id).limit(1)).one_or_none()


def programme_code(session: Session, account_id: UUID) -> str | None:
    """Return the code of an account's programme, also of one deleted for good."""
    return session.scalar(select(Account.programme).where(Account.id == account_id))


def by_id(session: Session, payment_id: UUID) -> PaymentRow | None:
    """Return one entry."""
    return session.get(PaymentRow, payment_id)


def page(
    session: Session, reseller_id: UUID | None, filters: PaymentFilter, cursor: str | None, limit: int
) -> Page[PaymentRow]:
    """Return a reseller's entries, or (None) those of all, latest arrival first. Raises Invalid."""
    query = select(PaymentRow)
    if reseller_id is not None:
        query = query.where(PaymentRow.reseller_id == reseller_id)
    if filters.kind is not None:
        query = query.where(PaymentRow.kind == filters.kind.value)
    if filters.since is not None:
        query = query.where(PaymentRow.paid_at >= filters.since)
    if filters.until is not None:
        query = query.where(PaymentRow.paid_at < filters.until)
    if filters.reference is not None:
        query = query.where(PaymentRow.reference == filters.reference)
    return page_of(session, query, PaymentRow.id, cursor, limit)


def turnover(session: Session, reseller_id: UUID, since: datetime, until: datetime) -> Decimal:
    """Return payments less refunds and chargebacks from `since` to before `until`, aware; may be negative."""
    inside = (PaymentRow.reseller_id == reseller_id, PaymentRow.paid_at >= since, PaymentRow.paid_at < until)
    return session.scalar(select(func.sum(PaymentRow.signed)).where(*inside)) or ZERO


def turnovers(session: Session, windows: Sequence[tuple[UUID, datetime, datetime]]) -> Sequence[Decimal]:
    """Return the turnovers of many (reseller, since, until), in order, with one statement."""
    ids, starts, ends = zip(*windows, strict=True) if windows else ((), (), ())
    values = {"ids": list(ids), "starts": list(starts), "ends": list(ends)}
    return session.scalars(TURNOVERS, values).all()


def between(session: Session, resellers: Sequence[UUID], since: datetime, until: datetime) -> Sequence[PaymentEntry]:
    """Return entries of the given resellers, oldest payment first."""
    columns = (
        PaymentRow.id,
        PaymentRow.reseller_id,
        PaymentRow.kind,
        PaymentRow.amount,
        PaymentRow.paid_at,
        PaymentRow.reference,
    )
    inside = (PaymentRow.reseller_id.in_(resellers), PaymentRow.paid_at >= since, PaymentRow.paid_at < until)
    return session.execute(select(*columns).where(*inside).order_by(PaymentRow.paid_at, PaymentRow.id)).all()
