"""Discount of a reseller on any day."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import Query

from api.call import Ctx, RequestContext
from api.discount_docs import DiscountOut, DiscountQuery
from api.payments import READ, discount_context, reseller_here
from api.routes import Routes
from domain.money import parse_amount
from models.accounts import Account
from services.discounts import explaining

routes = Routes("discounts")


@routes.get("/v1/resellers/{reseller_id}/discount", READ, response=DiscountOut, problems=[409])
def get_discount(ctx: Ctx, reseller_id: UUID, query: Annotated[DiscountQuery, Query()]) -> DiscountOut:
    """Return turnover, tier and percentages of a local day, their derivation, and tomorrow's. 409 `not_a_reseller`."""
    account = reseller_here(ctx, reseller_id)
    pay = None if query.pay is None else _amount(ctx, account, query.pay)
    explanation = explaining.told(discount_context(ctx), ctx.session, account, query.as_of, pay)
    return DiscountOut.model_validate(explanation)


def _amount(ctx: RequestContext, account: Account, text: str) -> Decimal:
    programme = discount_context(ctx).programme(ctx.session, account.programme)
    return parse_amount(text, programme.currency, loc="pay")
