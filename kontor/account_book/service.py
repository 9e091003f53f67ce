"""Account books: pages with running balances, what an order may spend, transfers (programme.md 10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.account_book import queries
from kontor.account_book.queries import LineFilter, LinePosition
from kontor.kernel.ids import new_id
from kontor.kernel.paging import paginate, parsed_cursor
from kontor.kernel.periods import ONE_DAY
from kontor.kernel.zones import day_start
from kontor.programme.model import Programme
from models.account_book import BookLine


@dataclass(frozen=True, slots=True)
class BalancedLine:
    """A line with the balance after it."""

    line: BookLine
    balance: Decimal


@dataclass(frozen=True, slots=True)
class BookPage:
    """Lines in the order of the book, the balance at the end of the days asked for, and the next cursor."""

    lines: tuple[BalancedLine, ...]
    balance: Decimal
    next: str | None


def filter_by_days(
    programme: Programme, first: date | None, last: date | None, as_recorded: datetime | None = None
) -> LineFilter:
    """Build a filter from local days, both included."""
    since = day_start(first, programme.zone) if first else None
    until = day_start(last + ONE_DAY, programme.zone) if last else None
    return LineFilter(since, until, as_recorded)


def page(
    session: Session, reseller_id: UUID, filters: LineFilter, cursor: str | None = None, limit: int = 100
) -> BookPage:
    """Return one page of a book. Raises Invalid on an invalid cursor."""
    after = parsed_cursor(cursor, _position)
    rows = queries.lines(session, reseller_id, filters, after, limit + 1)
    chunk = paginate(rows, limit, lambda line: f"{line.at.isoformat()}~{line.number}")
    total = queries.balance_before(session, reseller_id, filters, after)
    balanced = []
    for line in chunk.items:
        total += line.amount
        balanced.append(BalancedLine(line, total))
    return BookPage(tuple(balanced), queries.balance(session, reseller_id, filters), chunk.next)


def _position(cursor: str) -> LinePosition:
    at, _, number = cursor.partition("~")
    instant = datetime.fromisoformat(at)
    if instant.tzinfo is None:
        raise ValueError("a position is an aware instant")
    return LinePosition(instant, int(number))


def transfer(session: Session, old: UUID, new: UUID, programme: Programme, now: datetime) -> None:
    """Move the balance of a locked reseller to another, as a line in each book; nothing when it is zero."""
    amount = queries.balance(session, old)
    if amount:
        queries.add_transfer(session, new_id(), old, new, amount, programme.currency, now)
