"""Statements that were posted, read again: the list of months, one with its totals and lines, and as CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.fees import posted_queries, statements
from kontor.fees.catalogue import ResellerCatalogue
from kontor.fees.posted_queries import StatementScope
from kontor.fees.statement_lines import StatementLine, StatementTotals, statement_line
from kontor.fees.statement_queries import StatementRow
from kontor.kernel.errors import NotFound
from kontor.kernel.money import Money
from kontor.kernel.paging import Page, csv_of_pages, paginate, parsed_cursor
from kontor.kernel.serialization import escape_cell
from models.fees import Statement

EXPORTED: Final = 1_000
COLUMNS: Final = (
    "period_start", "period_end", "client", "kind", "code", "item", "fee", "discount", "total", "currency", "charge",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PostedLine:
    """A line, what it is for in the reader's language, and its charge or credit."""

    line: StatementLine
    item: str
    charge_id: UUID


@dataclass(frozen=True, slots=True)
class PostedStatement:
    """A reseller's statement of a month (its first day). `totals`: None when nothing is left of its lines."""

    month: date
    posted_at: datetime
    scope: StatementScope
    lines: int
    totals: StatementTotals | None


def page(session: Session, reseller_id: UUID, cursor: str | None, limit: int) -> Page[Statement]:
    """Return a reseller's statements, the newest month first. Raises Invalid on an invalid cursor."""
    return posted_queries.page(session, reseller_id, cursor, limit)


def get(session: Session, reseller_id: UUID, month: date, currency: str) -> PostedStatement:
    """Return a statement with the sums of its lines, as they were mailed. Raises NotFound.

    `currency`: of the programme, for statements that kept none.
    """
    row = posted_queries.find(session, reseller_id, month)
    if row is None:
        raise NotFound(message="No such statement.")
    scope = posted_queries.scope_of(session, row)
    sums = posted_queries.sums(session, scope)
    unit = row.currency or currency
    fees, discounts = Money(sums.fees, unit), Money(sums.discounts, unit)
    credited = None if sums.credits is None else Money(sums.credits, unit)
    total = fees - discounts if credited is None else fees - discounts + credited
    totals = StatementTotals(fees, discounts, credited, total) if sums.lines else None
    return PostedStatement(row.month, row.posted_at, scope, sums.lines, totals)


def lines(
    session: Session, scope: StatementScope, names: ResellerCatalogue, language: str, cursor: str | None, limit: int
) -> Page[PostedLine]:
    """Return lines by the first day of their period. Raises Invalid on an invalid cursor."""
    rows = posted_queries.rows(session, scope, parsed_cursor(cursor, statements.position), limit + 1)
    listed = paginate(rows, limit, lambda row: statements.cursor_of(row.charge))
    return Page(tuple(_line(row, names, language) for row in listed.items), listed.next)


def _line(row: StatementRow, names: ResellerCatalogue, language: str) -> PostedLine:
    line = statement_line(row.charge, row.account, void=row.void)
    return PostedLine(line, statements.sold_name(names, language, line.code, is_product=line.is_product), row.charge.id)


def csv_lines(
    sessions: Callable[[], Session], scope: StatementScope, names: ResellerCatalogue, language: str
) -> Iterator[str]:
    """Yield the lines as a CSV file; amounts are negative where they lessen what is owed."""

    def read(cursor: str | None) -> Page[Sequence[str]]:
        with sessions() as session:
            each_page = lines(session, scope, names, language, cursor, EXPORTED)
            return Page(tuple(_cells(each) for each in each_page.items), each_page.next)

    return csv_of_pages(COLUMNS, read)


def _cells(posted: PostedLine) -> Sequence[str]:
    line = posted.line
    amounts = (f"{each.amount:f}" for each in (line.fee, line.discount, line.total))
    texts = (escape_cell(line.account), line.kind.value, line.code, escape_cell(posted.item))
    days = (line.period.start.isoformat(), line.period.end.isoformat())
    return (*days, *texts, *amounts, line.total.currency, str(posted.charge_id))
