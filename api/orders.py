"""Orders of resellers, priced when placed."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field

from api import owners
from api.answers import Answer
from api.call import Access, Here
from api.money import MoneyDoc
from api.payments import READ, discount_book, reseller_here
from api.routes import Routes
from api.schema import Incoming, Moment, Outgoing, Page, Paging
from domain.discounts import SuppressedBy
from models.keys import Scope
from services import orders

routes = Routes("orders")
PLACE = Access(Scope.ENQUEUE, "reseller_id", owners.account, not_account=True)


class NewOrder(Incoming):
    """A new order; `dry_run` only computes its price."""

    product: str
    order_ref: str = Field(max_length=1_000)
    quantity: int = 1
    promo_code: str | None = None
    dry_run: bool = False


class SuppressedDoc(Outgoing):
    """A promo code or campaign that was not applied."""

    code: str
    percent: int | float
    by: SuppressedBy


class OrderDoc(Outgoing):
    """An order. `list` and `net` are for the whole quantity; `promotion` is the code that set the percentage.

    `discount_as_of` is the local day whose window determined the discount; `id` is null in a dry run.
    """

    id: UUID | None
    reseller_id: UUID
    order_ref: str
    product: str
    quantity: int
    promo_code: str | None
    promotion: str | None
    list_: Annotated[MoneyDoc, Field(alias="list")]
    percent: int | float
    net: MoneyDoc
    suppressed: list[SuppressedDoc]
    discount_as_of: date
    turnover: MoneyDoc | None
    tier: str | None
    created_at: Moment


@routes.post("/v1/resellers/{reseller_id}/orders", PLACE, answer=OrderDoc, status=201, also={200: OrderDoc})
def place_order(call: Here, reseller_id: UUID, body: NewOrder) -> Answer:
    """Place an order. Existing `order_ref`: 200, the first order. 422 `unknown_product`, `unknown_promo_code`."""
    new = orders.NewOrder(**body.model_dump())
    placed = orders.place(discount_book(call), call.session, reseller_here(call, reseller_id).id, new)
    return Answer.of(OrderDoc.model_validate(placed.document), 201 if placed.created else 200)


@routes.get("/v1/resellers/{reseller_id}/orders", READ, answer=Page[OrderDoc])
def list_orders(call: Here, reseller_id: UUID, query: Annotated[Paging, Query()]) -> Page[OrderDoc]:
    """List orders, newest first."""
    account = reseller_here(call, reseller_id)
    page = orders.page(call.session, account.id, query.cursor, query.limit)
    return Page(items=[OrderDoc.model_validate(orders.document(row)) for row in page.items], next=page.next)
