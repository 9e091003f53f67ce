"""Discount of a reseller on any day."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import Query

from api.call import Call, Here
from api.discount_docs import DiscountDoc, DiscountQuery
from api.payments import READ, discount_book, reseller_here
from api.routes import Routes
from domain.money import parse_amount
from models.accounts import Account
from services.discounts import explaining

routes = Routes("discounts")


@routes.get("/v1/resellers/{reseller_id}/discount", READ, answer=DiscountDoc, problems=[409])
def get_discount(call: Here, reseller_id: UUID, query: Annotated[DiscountQuery, Query()]) -> DiscountDoc:
    """Return turnover, tier and percentages of a local day, their derivation, and tomorrow's. 409 `not_a_reseller`."""
    account = reseller_here(call, reseller_id)
    pay = None if query.pay is None else _amount(call, account, query.pay)
    explanation = explaining.told(discount_book(call), call.session, account, query.as_of, pay)
    return DiscountDoc.model_validate(explanation)


def _amount(call: Call, account: Account, text: str) -> Decimal:
    programme = discount_book(call).programme(call.session, account.programme)
    return parse_amount(text, programme.currency, loc="pay")
