"""Requests and responses of the account book."""

from datetime import date
from uuid import UUID

from pydantic import Field

from kontor.http.wire import DayIn, MoneyOut, PageOut, PageQuery, ResponseModel, UtcIn, UtcOut
from models.account_book import LineKind


class BookLineOut(ResponseModel):
    """A line: `amount` is signed, `balance` the sum of the lines up to this one in the order of (`at`, `number`).

    `day`: the local day of `at`. `ref`: a payment's reference, an order's `order_ref`, a charge's id, or the other
    reseller of a transfer. `fact_id`: the payment, order or charge.
    """

    number: int
    at: UtcOut
    recorded_at: UtcOut
    day: date
    kind: LineKind
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
