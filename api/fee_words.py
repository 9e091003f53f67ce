"""Helpers of the fee routes."""

from uuid import UUID

from api.call import Call
from api.money import MoneyBody
from domain.money import Money, Sign
from services import accounts
from services.fees.book import FeeBook


def book_of(call: Call) -> FeeBook:
    """Return the dependencies of the fee services."""
    return FeeBook(call.jobs, call.deps.programmes)


def retail_fee(call: Call, account_id: UUID, body: MoneyBody | None) -> Money | None:
    """Parse a monthly fee of zero or more in the currency of the account's programme. Raises Invalid."""
    if body is None:
        return None
    account = accounts.get(call.session, account_id)
    currency = book_of(call).programme_of(call.session, account).currency
    return body.money(currency, Sign.NOT_NEGATIVE, "retail_fee")
