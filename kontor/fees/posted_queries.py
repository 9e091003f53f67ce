"""Queries of posted statements: what was listed is found by the marks that each charge keeps of its statements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, tuple_
from sqlalchemy.orm import Session

from kontor.fees.statement_queries import StatementRow
from kontor.kernel.paging import Page, page_of
from kontor.kernel.periods import add_months
from kontor.kernel.zones import parse_day
from models.account_book import BookKind, BookLine
from models.accounts import Account
from models.fees import Charge, ChargeKind, Statement
from models.merging import ResellerMerge

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class StatementScope:
    """Where the charges of a statement are. `holders`: the resellers that they may belong to now.

    `origins`: those that were charged for them, known by their account books; None where no merge moved any, so that
    the reseller's own charges are all that there are.
    """

    month: date
    holders: tuple[UUID, ...]
    origins: tuple[UUID, ...] | None = None


@dataclass(frozen=True, slots=True)
class StatementSums:
    """Sums of a statement's lines by the rule of `statement_lines.totals_of`; `credits` None without such lines."""

    lines: int
    fees: Decimal
    discounts: Decimal
    credits: Decimal | None


def page(session: Session, reseller_id: UUID, cursor: str | None, limit: int) -> Page[Statement]:
    """Return a reseller's statements, the newest month first. Raises Invalid on an invalid cursor."""
    query = select(Statement).where(Statement.reseller_id == reseller_id)
    return page_of(session, query, Statement.month, cursor, limit, parse=parse_day)


def find(session: Session, reseller_id: UUID, month: date) -> Statement | None:
    """Return a reseller's statement of a month (its first day)."""
    return session.get(Statement, (reseller_id, month))


def scope_of(session: Session, statement: Statement) -> StatementScope:
    """Return where the charges of a statement are: a merge moves them, but what was listed stays what it was."""
    month, own = statement.month, statement.reseller_id
    merges = _merges(session, {own})
    if not merges:
        return StatementScope(month, (own,))
    before = [merge for merge in merges if merge.at <= statement.posted_at]
    stated = select(Statement.reseller_id).where(Statement.month == month, Statement.reseller_id != own)
    others = set(session.scalars(stated.where(Statement.reseller_id.in_({merge.old_id for merge in merges}))))
    holders = _reached({own}, ((merge.old_id, merge.new_id) for merge in merges))
    origins = _reached({own}, ((merge.new_id, merge.old_id) for merge in before)) - others
    return StatementScope(month, tuple(holders), tuple(origins))


def _merges(session: Session, ids: set[UUID]) -> Sequence[ResellerMerge]:
    """Return the merges that resellers took part in, also through others."""
    while True:
        part = or_(ResellerMerge.old_id.in_(ids), ResellerMerge.new_id.in_(ids))
        merges = session.scalars(select(ResellerMerge).where(part)).all()
        reached = {each for merge in merges for each in (merge.old_id, merge.new_id)} | ids
        if reached == ids:
            return merges
        ids = reached


def _reached(ids: set[UUID], steps: Iterable[tuple[UUID, UUID]]) -> set[UUID]:
    """Return ids with all that lead on from them."""
    pairs = set(steps)
    while following := {then for first, then in pairs if first in ids} - ids:
        ids = ids | following
    return ids


def sums(session: Session, scope: StatementScope) -> StatementSums:
    """Add up the lines of a statement, however many; a test holds this and `totals_of` together."""
    listed, credit = Charge.stated == scope.month, Charge.kind == ChargeKind.CREDIT
    charged = and_(listed, ~credit)
    lessens = or_(and_(listed, credit), and_(~listed, ~credit))
    credited = func.sum(case((lessens, -Charge.total), else_=Charge.total)).filter(~charged)
    amounts = (func.sum(Charge.fee).filter(charged), func.sum(Charge.discount).filter(charged), credited)
    row = session.execute(select(func.count(), *amounts).where(*_conditions(scope))).one()
    return StatementSums(row[0], row[1] or ZERO, row[2] or ZERO, row[3])


def rows(
    session: Session, scope: StatementScope, after: tuple[date, UUID] | None, limit: int
) -> Sequence[StatementRow]:
    """Return lines of a statement by the first day of their period."""
    query = select(Charge, Account.name).join(Account, Account.id == Charge.account_id).where(*_conditions(scope))
    if after is not None:
        query = query.where(tuple_(Charge.period_start, Charge.id) > after)
    ordered = query.order_by(Charge.period_start, Charge.id).limit(limit)
    return [StatementRow(charge, name, charge.stated != scope.month) for charge, name in session.execute(ordered)]


def _conditions(scope: StatementScope) -> list[ColumnElement[bool]]:
    listed = or_(Charge.stated == scope.month, Charge.void_stated == scope.month)
    conditions = [Charge.reseller_id.in_(scope.holders), Charge.period_start < add_months(scope.month, 1), listed]
    if scope.origins is not None:
        kinds = (BookKind.CHARGE.value, BookKind.CREDIT.value)
        line = and_(BookLine.fact_id == Charge.id, BookLine.kind.in_(kinds))
        conditions.append(exists().where(line, BookLine.reseller_id.in_(scope.origins)))
    return conditions
