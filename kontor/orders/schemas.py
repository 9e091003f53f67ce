"""Orders on the wire."""

from datetime import date
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from kontor.discounts.record import json_number
from kontor.discounts.rules import SuppressedBy
from kontor.http.wire import MoneyOut, RequestModel, ResponseModel, UtcOut
from kontor.kernel.money import Money
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

    `discount_as_of` is the local day whose window determined the discount; `id` is null in a dry run.
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

    @classmethod
    def of(cls, row: OrderRow, *, dry_run: bool = False) -> Self:
        """Build the response for an order; a dry run has no id."""
        return cls(
            id=None if dry_run else row.id,
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
        )
