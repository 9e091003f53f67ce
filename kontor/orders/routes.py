"""Orders of resellers: placed, read, cancelled."""

from datetime import date
from typing import Annotated, Self
from uuid import UUID

from fastapi import Query
from pydantic import ConfigDict, Field, JsonValue

from kontor.discounts.record import json_number
from kontor.discounts.rules import SuppressedBy
from kontor.http import ownership
from kontor.http.context import Ctx, RoutePolicy
from kontor.http.responses import ApiResponse
from kontor.http.routing import Routes
from kontor.http.visibility import ErrorOut
from kontor.http.wire import CreatedQuery, Json, MoneyOut, PageOut, RequestModel, ResponseModel, UtcOut
from kontor.kernel.money import Money
from kontor.kernel.states import OrderKind, OrderState
from kontor.orders import service
from kontor.orders.queries import OrderFilter
from kontor.payments.routes import READ, reseller_here
from kontor.provisioning import kept, ordering
from kontor.provisioning.kept import notes_of, side_of
from models.keys import Scope
from models.orders import OrderRow


class OrderIn(RequestModel):
    """A new order; `dry_run` only computes its price.

    `account_id`: the client it is for. `term`: 1 to 12 terms of the product, such as `P1Y`. `config`: by the product's
    schema.
    """

    product: str
    order_ref: str = Field(max_length=1_000)
    quantity: int = 1
    promo_code: str | None = None
    dry_run: bool = False
    account_id: UUID | None = None
    term: str | None = Field(None, max_length=100)
    config: dict[str, JsonValue] | None = None
    external_id: str | None = Field(None, max_length=1_000)
    metadata: dict[str, str] | None = None


class SuppressedPercentOut(ResponseModel):
    """A promo code or campaign that was not applied."""

    code: str
    percent: int | float
    by: SuppressedBy


class OrderOut(ResponseModel):
    """An order. `list` and `net` are for the whole quantity and term; `promotion` is the code that set the percentage.

    `discount_as_of` is the local day whose window determined the discount, `version` that of the programme; `id` is
    null in a dry run, and `missing` is what the balance is short of. `error`: why it failed or was cancelled.
    `differs`: the fields of a request with a used `order_ref` that are others than the order's.
    """

    model_config = ConfigDict(populate_by_name=True)

    id: UUID | None
    reseller_id: UUID
    order_ref: str
    kind: OrderKind
    state: OrderState
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
    version: int | None
    account_id: UUID | None
    service_id: UUID | None
    term: str | None
    config: dict[str, Json]
    external_id: str | None
    metadata: dict[str, str]
    error: ErrorOut
    created_at: UtcOut
    missing: MoneyOut | None = None
    differs: list[str] = Field(default_factory=list)

    @classmethod
    def of(cls, row: OrderRow, side: str = kept.OPERATOR) -> Self:
        """Build the response for an order; `side`: whose metadata it shows."""
        return cls(
            id=row.id,
            reseller_id=row.reseller_id,
            order_ref=row.order_ref,
            kind=OrderKind(row.kind),
            state=OrderState(row.state),
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
            version=row.version,
            account_id=row.account_id,
            service_id=row.service_id,
            term=row.term,
            config=row.config or {},
            external_id=row.external_id,
            metadata=kept.shown(row.notes, side),
            error=row.error,
            created_at=row.created_at,
        )

    @classmethod
    def placed(cls, placed: ordering.PlacedOrder, side: str) -> Self:
        """Build the answer to whoever placed it."""
        missing = None if placed.missing is None else MoneyOut.of(placed.missing)
        return cls.of(placed.order, side).model_copy(update={"missing": missing, "differs": list(placed.differs)})


class OrderQuery(CreatedQuery):
    """Filter for orders."""

    state: OrderState | None = None
    external_id: str | None = None


routes = Routes("orders")
PLACE = RoutePolicy(Scope.ENQUEUE, "reseller_id", ownership.reseller, not_account=True)
ONE = RoutePolicy(Scope.READ, "order_id", ownership.order, not_account=True)
CANCEL = RoutePolicy(Scope.ENQUEUE, "order_id", ownership.order, not_account=True)


@routes.post("/v1/resellers/{reseller_id}/orders", PLACE, response=OrderOut, status=201, also={200: OrderOut})
def place_order(ctx: Ctx, reseller_id: UUID, body: OrderIn) -> ApiResponse:
    """Place an order. Existing `order_ref`: 200, the first order, with `differs`.

    422 `unknown_product`, `unknown_promo_code`, `invalid_config`, `invalid_args`, `unknown_task`. 409
    `insufficient_balance` with `missing` where balance and credit limit do not cover it; `external_id_taken`,
    `account_suspended`.
    """
    fields = body.model_dump(exclude={"metadata"})
    new = ordering.NewOrder(**fields, notes=notes_of(ctx, body.metadata))
    reseller = reseller_here(ctx, reseller_id)
    placed = ordering.place(ctx.context, ctx.session, reseller.id, new, ctx.caller.actor)
    return ApiResponse.of(OrderOut.placed(placed, side_of(ctx)), 201 if placed.created else 200)


@routes.get("/v1/resellers/{reseller_id}/orders", READ, response=PageOut[OrderOut])
def list_orders(ctx: Ctx, reseller_id: UUID, query: Annotated[OrderQuery, Query()]) -> PageOut[OrderOut]:
    """List orders, newest first."""
    account = reseller_here(ctx, reseller_id)
    filters = OrderFilter(query.state, query.external_id, query.created)
    page = service.page(ctx.session, account.id, filters, query.cursor, query.limit)
    return PageOut(items=[OrderOut.of(row, side=side_of(ctx)) for row in page.items], next=page.next)


@routes.get("/v1/orders/{order_id}", ONE, response=OrderOut)
def get_order(ctx: Ctx, order_id: UUID) -> OrderOut:
    """Return one order."""
    return OrderOut.of(service.get(ctx.session, order_id), side=side_of(ctx))


class CancelIn(RequestModel):
    """Why an order is cancelled."""

    reason: str | None = Field(None, max_length=500)


@routes.post("/v1/orders/{order_id}/cancel", CANCEL, response=OrderOut)
def cancel_order(ctx: Ctx, order_id: UUID, body: CancelIn | None = None) -> OrderOut:
    """Cancel an order while its service is being made: credited at once. 409 `illegal_transition` with the state."""
    reason = None if body is None else body.reason
    order = ordering.cancel(ctx.context, ctx.session, order_id, ctx.caller.actor, reason)
    return OrderOut.of(order, side=side_of(ctx))
