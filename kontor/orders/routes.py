"""Orders of resellers, priced when placed."""

from datetime import date
from typing import Annotated, Self
from uuid import UUID

from fastapi import Query
from pydantic import ConfigDict, Field

from kontor.discounts.record import json_number
from kontor.discounts.rules import SuppressedBy
from kontor.http import ownership
from kontor.http.context import Ctx, RoutePolicy
from kontor.http.responses import ApiResponse
from kontor.http.routing import Routes
from kontor.http.wire import MoneyOut, PageOut, PageQuery, RequestModel, ResponseModel, UtcOut
from kontor.kernel.money import Money
from kontor.orders import service
from kontor.payments.routes import READ, reseller_here
from models.keys import Scope
from models.payments import OrderRow


class OrderIn(RequestModel):
    """A new order; `dry_run` only computes its price."""

    product: str
    order_ref: str = Field(max_length=1_000)
    quantity: int = 1
    promo_code: str | None = None
    dry_run: bool = False


class SuppressedPercentOut(ResponseModel):
    """A promo code or campaign that was not applied."""

    code: str
    percent: int | float
    by: SuppressedBy


class OrderOut(ResponseModel):
    """An order. `list` and `net` are for the whole quantity; `promotion` is the code that set the percentage.

    `discount_as_of` is the local day whose window determined the discount; `id` is null in a dry run, and `missing` is
    what the balance is short of.
    """

    model_config = ConfigDict(populate_by_name=True)

    id: UUID | None
    reseller_id: UUID
    order_ref: str
    product: str
    quantity: int
    promo_code: str | None
    promotion: str | None
    list_: Annotated[MoneyOut, Field(alias="list")]
    percent: int | float
    net: MoneyOut
    suppressed: list[SuppressedPercentOut]
    discount_as_of: date
    turnover: MoneyOut | None
    tier: str | None
    created_at: UtcOut
    missing: MoneyOut | None = None

    @classmethod
    def of(cls, row: OrderRow, missing: Money | None = None) -> Self:
        """Build the response for an order."""
        return cls(
            id=row.id,
            reseller_id=row.reseller_id,
            order_ref=row.order_ref,
            product=row.product,
            quantity=row.quantity,
            promo_code=row.promo_code,
            promotion=row.promotion,
            list_=MoneyOut.of(Money(row.list_price, row.currency)),
            percent=json_number(row.percent),
            net=MoneyOut.of(Money(row.net, row.currency)),
            suppressed=[SuppressedPercentOut.model_validate(promotion) for promotion in row.suppressed],
            discount_as_of=row.as_of,
            turnover=None if row.turnover is None else MoneyOut.of(Money(row.turnover, row.currency)),
            tier=row.tier,
            created_at=row.created_at,
            missing=None if missing is None else MoneyOut.of(missing),
        )


routes = Routes("orders")
PLACE = RoutePolicy(Scope.ENQUEUE, "reseller_id", ownership.reseller, not_account=True)


@routes.post("/v1/resellers/{reseller_id}/orders", PLACE, response=OrderOut, status=201, also={200: OrderOut})
def place_order(ctx: Ctx, reseller_id: UUID, body: OrderIn) -> ApiResponse:
    """Place an order. Existing `order_ref`: 200, the first order. 422 `unknown_product`, `unknown_promo_code`.

    409 `insufficient_balance` with `missing` where balance and credit limit do not cover it.
    """
    new = service.NewOrder(**body.model_dump())
    placed = service.place(ctx.context, ctx.session, reseller_here(ctx, reseller_id).id, new)
    return ApiResponse.of(OrderOut.of(placed.order, placed.missing), 201 if placed.created else 200)


@routes.get("/v1/resellers/{reseller_id}/orders", READ, response=PageOut[OrderOut])
def list_orders(ctx: Ctx, reseller_id: UUID, query: Annotated[PageQuery, Query()]) -> PageOut[OrderOut]:
    """List orders, newest first."""
    account = reseller_here(ctx, reseller_id)
    page = service.page(ctx.session, account.id, query.cursor, query.limit)
    return PageOut(items=[OrderOut.of(row) for row in page.items], next=page.next)
