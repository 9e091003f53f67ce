"""The account book of a reseller, read by it and by operators."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field

from kontor.account_book import service
from kontor.account_book.service import BalancedLine
from kontor.http.context import Ctx
from kontor.http.routing import Routes
from kontor.http.wire import DayIn, MoneyOut, PageOut, PageQuery, ResponseModel, UtcIn, UtcOut
from kontor.kernel.money import Money
from kontor.kernel.zones import local_day
from kontor.payments.routes import READ, reseller_here
from kontor.programme.model import Programme
from models.account_book import BookKind


class BookLineOut(ResponseModel):
    """A line: `amount` is signed, `balance` the sum of the lines up to this one in the order of (`at`, `number`).

    `day`: the local day of `at`. `ref`: a payment's reference, an order's `order_ref`, a charge's id, or the other
    reseller of a transfer. `fact_id`: the payment, order or charge.
    """

    number: int
    at: UtcOut
    recorded_at: UtcOut
    day: date
    kind: BookKind
    amount: MoneyOut
    balance: MoneyOut
    ref: str
    note: str | None
    fact_id: UUID


class AccountBookOut(PageOut[BookLineOut]):
    """A page of lines. `balance`: of all lines up to the end of `to`; `available`: what an order may spend now.

    `available` is null where orders have no limit.
    """

    balance: MoneyOut
    available: MoneyOut | None


class AccountBookQuery(PageQuery):
    """Filter of lines; `from` and `to` are local days, inclusive; `as_recorded`: by what was entered until then."""

    first: DayIn | None = Field(None, alias="from")
    last: DayIn | None = Field(None, alias="to")
    as_recorded: UtcIn | None = None


routes = Routes("account_book")


@routes.get("/v1/resellers/{reseller_id}/account-book", READ, response=AccountBookOut)
def read_account_book(ctx: Ctx, reseller_id: UUID, query: Annotated[AccountBookQuery, Query()]) -> AccountBookOut:
    """List the lines of the book by (`at`, number), each with the balance after it."""
    account = reseller_here(ctx, reseller_id)
    programme = ctx.context.programme(ctx.session, account.programme)
    filters = service.filter_by_days(programme, query.first, query.last, query.as_recorded)
    page = service.page(ctx.session, account.id, filters, query.cursor, query.limit)
    spendable = service.available(ctx.session, account.id, programme)
    return AccountBookOut(
        items=[_line(each, programme) for each in page.lines],
        balance=MoneyOut.of(Money(page.balance, programme.currency)),
        available=None if spendable is None else MoneyOut.of(spendable),
        next=page.next,
    )


def _line(balanced: BalancedLine, programme: Programme) -> BookLineOut:
    line = balanced.line
    return BookLineOut(
        number=line.number,
        at=line.at,
        recorded_at=line.recorded_at,
        day=local_day(line.at, programme.zone),
        kind=BookKind(line.kind),
        amount=MoneyOut.of(Money(line.amount, line.currency)),
        balance=MoneyOut.of(Money(balanced.balance, line.currency)),
        ref=line.ref,
        note=line.note,
        fact_id=line.fact_id,
    )
