"""Orders of resellers, priced when placed."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from kontor.http import ownership
from kontor.http.context import Ctx, RoutePolicy
from kontor.http.responses import ApiResponse
from kontor.http.routing import Routes
from kontor.http.wire import PageOut, PageQuery
from kontor.orders import service
from kontor.orders.schemas import OrderIn, OrderOut
from kontor.payments.routes import READ, reseller_here
from models.keys import Scope

routes = Routes("orders")
PLACE = RoutePolicy(Scope.ENQUEUE, "reseller_id", ownership.account, not_account=True)


@routes.post("/v1/resellers/{reseller_id}/orders", PLACE, response=OrderOut, status=201, also={200: OrderOut})
def place_order(ctx: Ctx, reseller_id: UUID, body: OrderIn) -> ApiResponse:
    """Place an order. Existing `order_ref`: 200, the first order. 422 `unknown_product`, `unknown_promo_code`."""
    new = service.NewOrder(**body.model_dump())
    placed = service.place(ctx.context, ctx.session, reseller_here(ctx, reseller_id).id, new)
    return ApiResponse.of(placed.order, 201 if placed.created else 200)


@routes.get("/v1/resellers/{reseller_id}/orders", READ, response=PageOut[OrderOut])
def list_orders(ctx: Ctx, reseller_id: UUID, query: Annotated[PageQuery, Query()]) -> PageOut[OrderOut]:
    """List orders, newest first."""
    account = reseller_here(ctx, reseller_id)
    page = service.page(ctx.session, account.id, query.cursor, query.limit)
    return PageOut(items=[OrderOut.of(row) for row in page.items], next=page.next)
