"""Account books: pages with running balances, what an order may spend, transfers (programme.md 10)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.account_book import queries
from kontor.account_book.payloads import MOST, BalancesCheck
from kontor.account_book.queries import ZERO, LineFilter, LinePosition
from kontor.context import Context
from kontor.kernel import database
from kontor.kernel.errors import Conflict
from kontor.kernel.ids import new_id
from kontor.kernel.money import Money
from kontor.kernel.paging import paginate, parsed_cursor
from kontor.kernel.periods import ONE_DAY
from kontor.kernel.zones import day_start
from kontor.programme.model import Programme
from kontor.provisioning.unpaid import settle_unpaid
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


def lock(session: Session, reseller_id: UUID) -> None:
    """Let no other order spend from the book until the end of the transaction."""
    database.lock_names(session, f"account-book:{reseller_id}")


def missing(session: Session, reseller_id: UUID, programme: Programme, price: Money) -> Money:
    """Return what a price is short of by the sum of all lines; lock the book before, if it is to be spent."""
    if programme.billing.credit is None:
        return Money(ZERO, price.currency)
    total = queries.balance(session, reseller_id)
    return Money(programme.billing.missing(total, price.amount), price.currency)


def require_cover(session: Session, reseller_id: UUID, programme: Programme, price: Money) -> None:
    """Raise Conflict(`insufficient_balance`) with `missing` when the locked book does not cover a price."""
    short = missing(session, reseller_id, programme, price)
    if short.amount:
        message = f"The balance does not cover {price}: {short} are missing. Enter a payment first."
        raise Conflict("insufficient_balance", message, missing=short.to_document())


def available(session: Session, reseller_id: UUID, programme: Programme) -> Money | None:
    """Return what orders may spend now; None where they have no limit."""
    return spendable(programme, queries.balance(session, reseller_id))


def spendable(programme: Programme, total: Decimal) -> Money | None:
    """Return what orders may spend of a whole book's sum; None where they have no limit."""
    amount = programme.billing.available(total)
    return None if amount is None else Money(amount, programme.currency)


def transfer(ctx: Context, session: Session, old: UUID, new: UUID, programme: Programme) -> None:
    """Move the balance of a locked reseller to another, as a line in each book; nothing when it is zero."""
    amount = queries.balance(session, old)
    if amount:
        queries.add_transfer(session, new_id(), old, new, amount, programme.currency, ctx.now)
        check_balances(ctx, session, programme, [new], falling=amount < 0)


def write_line(session: Session, fact_id: UUID, kind: str) -> None:
    """Write the line of a fact that has none; one that has a line keeps it."""
    queries.add_missing(session, fact_id, kind)


def check_balances(
    ctx: Context, session: Session, programme: Programme, reseller_ids: Collection[UUID], *, falling: bool = True
) -> None:
    """Enqueue the check whether balances are low, in the transaction of the facts that changed them.

    And, for resellers with services that wait for money, the renewal of those that are covered now. A burst of facts of
    one reseller shares a job; its facts hold at least a share lock on the reseller's row.
    """
    ids = sorted(set(reseller_ids))
    settle_unpaid(ctx.jobs, session, ids)
    if programme.billing.balance_low is None:
        return
    for start in range(0, len(ids), MOST):
        chunk = tuple(ids[start : start + MOST])
        key = f"{chunk[0]}:{falling:d}" if len(ids) == 1 else None
        ctx.jobs.enqueue(session, BalancesCheck(reseller_ids=chunk, falling=falling), unique_key=key)
