"""Helpers of the fee routes."""

from uuid import UUID

from kontor.accounts import service as accounts
from kontor.http.context import RequestContext
from kontor.http.wire import MoneyIn
from kontor.kernel.money import AllowedSign, Money


def retail_fee(ctx: RequestContext, account_id: UUID, body: MoneyIn | None) -> Money | None:
    """Parse a monthly fee of zero or more in the currency of the account's programme. Raises Invalid."""
    if body is None:
        return None
    account = accounts.get(ctx.session, account_id)
    currency = ctx.context.programme_of(ctx.session, account).currency
    return body.money(currency, AllowedSign.NOT_NEGATIVE, "retail_fee")
