"""The lines of an account book as CSV, the same for operators and the reseller."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.account_book import service
from kontor.account_book.queries import LineFilter
from kontor.account_book.service import BalancedLine
from kontor.kernel.money import Money
from kontor.kernel.paging import Page, csv_of_pages
from kontor.kernel.serialization import escape_formula
from kontor.kernel.zones import local_day
from kontor.programme.model import Programme

FILE: Final = "account-book.csv"
COLUMNS: Final = ("day", "at", "recorded_at", "kind", "amount", "balance", "currency", "ref", "note")
PAGE: Final = 1_000


def csv_lines(
    sessions: Callable[[], Session], reseller_id: UUID, programme: Programme, filters: LineFilter
) -> Iterator[str]:
    """Yield the file: the lines of a filter in the order of the book, each with the balance after it."""

    def read(cursor: str | None) -> Page[Sequence[str]]:
        with sessions() as session:
            page = service.page(session, reseller_id, filters, cursor, PAGE)
            return Page(tuple(_cells(each, programme) for each in page.lines), page.next)

    return csv_of_pages(COLUMNS, read)


def _cells(balanced: BalancedLine, programme: Programme) -> Sequence[str]:
    line = balanced.line
    amount, balance = (Money(each, line.currency) for each in (line.amount, balanced.balance))
    return (
        local_day(line.at, programme.zone).isoformat(),
        _instant(line.at),
        _instant(line.recorded_at),
        line.kind,
        f"{amount.amount:f}",
        f"{balance.amount:f}",
        line.currency,
        escape_formula(line.ref),
        escape_formula(line.note or ""),
    )


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
