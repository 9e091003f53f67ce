"""Queries of statements: what a statement lists, and what stands on one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kontor.fees.queries import OPEN, any_of
from kontor.kernel.money import Money
from models.accounts import Account
from models.fees import Charge, FeeRun, Statement


@dataclass(frozen=True, slots=True)
class StatementRow:
    """A charge or credit that a statement lists, and the name of its account; `void`: its void is what is listed."""

    charge: Charge
    account: str
    void: bool


def unstated(end: date) -> ColumnElement[bool]:
    """Build the condition for charges and credits of periods that start before `end` and are on no statement."""
    return and_(Charge.stated.is_(None), Charge.voided_at.is_(None), Charge.period_start < end)


def unstated_void() -> ColumnElement[bool]:
    """Build the condition for charges and credits that were voided after their statement."""
    return and_(Charge.stated.is_not(None), Charge.voided_at.is_not(None), Charge.void_stated.is_(None))


def payers(session: Session, programme: str, end: date, after: UUID | None, limit: int) -> list[UUID]:
    """Return the resellers with something to state by `end`, or with uncharged client runs before it."""
    listed = exists().where(Charge.reseller_id == Account.id, or_(unstated(end), unstated_void()))
    clients = select(Account.reseller_id).join(FeeRun, FeeRun.account_id == Account.id)
    uncharged = clients.where(FeeRun.programme == programme, FeeRun.next_start < end, OPEN)
    query = select(Account.id).where(Account.programme == programme, or_(listed, Account.id.in_(uncharged)))
    if after is not None:
        query = query.where(Account.id > after)
    return list(session.scalars(query.order_by(Account.id).limit(limit)))


def lock_rows(session: Session, reseller_id: UUID, end: date) -> list[StatementRow]:
    """Return what a reseller's next statement lists, locked, sorted by account name, period and product."""
    query = (
        select(Charge, Account.name)
        .join(Account, Account.id == Charge.account_id)
        .where(Charge.reseller_id == reseller_id, or_(unstated(end), unstated_void()))
        .order_by(Account.name_key, Charge.period_start, Charge.product, Charge.id)
    )
    rows = session.execute(query.with_for_update(of=Charge).execution_options(populate_existing=True))
    return [StatementRow(charge, name, charge.voided_at is not None) for charge, name in rows]


def begin(session: Session, reseller_id: UUID, month: date, now: datetime) -> bool:
    """Insert a reseller's statement of a month; False when there is one."""
    row = insert(Statement).values(reseller_id=reseller_id, month=month, posted_at=now)
    return session.scalar(row.on_conflict_do_nothing().returning(Statement.reseller_id)) is not None


def month_listing(session: Session, charge: Charge) -> date | None:
    """Return the month of the statement that listed a charge, by when both were made; None when none did."""
    first = charge.period_start.replace(day=1)
    listing = (
        Statement.reseller_id == charge.reseller_id, Statement.month >= first, Statement.posted_at >= charge.created_at
    )  # fmt: skip
    return session.scalar(select(func.min(Statement.month)).where(*listing))


def close(session: Session, reseller_id: UUID, month: date, rows: Collection[StatementRow], total: Money) -> None:
    """Note the sum of a statement, and that the rows stand on it."""
    of_month = (Statement.reseller_id == reseller_id, Statement.month == month)
    session.execute(update(Statement).where(*of_month).values(total=total.amount, currency=total.currency))
    listed = [row.charge.id for row in rows if not row.void]
    session.execute(update(Charge).where(Charge.id == any_of(listed)).values(stated=month))
    void = [row.charge.id for row in rows if row.void]
    session.execute(update(Charge).where(Charge.id == any_of(void)).values(void_stated=month))
