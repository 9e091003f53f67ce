"""Request and response models of discounts."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.money import MoneyOut
from api.schema import DayIn, QueryModel, ResponseModel, UtcOut
from domain.discounts import SuppressedBy
from domain.tiers import PaymentKind

Percentages = dict[str, int | float]
"""Percentage by product family; `*` means every plan and product."""


class DiscountQuery(QueryModel):
    """The local day, and a hypothetical payment."""

    as_of: DayIn | None = Field(None, description="A local day; default: today.")
    pay: str | None = Field(None, max_length=40, description="Amount of a hypothetical payment on that day.")


class DiscountWindowOut(ResponseModel):
    """Local days, inclusive."""

    from_: Annotated[date, Field(alias="from")]
    to: date


class CountedPaymentOut(ResponseModel):
    """A payment that counts towards turnover."""

    id: UUID
    kind: PaymentKind
    amount: MoneyOut
    paid_at: UtcOut
    day: date
    reference: str


class NextTierOut(ResponseModel):
    """The next tier, and the turnover missing to reach it."""

    name: str
    missing: MoneyOut


class TomorrowOut(ResponseModel):
    """The next day without further payments; paying `keep_with` keeps a tier that would be lost."""

    as_of: date
    turnover: MoneyOut
    tier: str | None
    leaving: list[CountedPaymentOut]
    keep_with: MoneyOut | None


class SuppressedPromotionOut(ResponseModel):
    """A promo code or campaign valid on the day that does not apply to these products."""

    code: str
    kind: str
    percent: float
    by: SuppressedBy
    products: list[str]


class RecordedDiscountOut(ResponseModel):
    """The discount recorded for the day; unchanged since the day `since`."""

    as_of: date
    since: date
    turnover: MoneyOut
    tier: str | None
    percent: Percentages


class DiscountOut(ResponseModel):
    """The discount of a day, with its derivation."""

    as_of: date
    window: DiscountWindowOut
    turnover: MoneyOut
    tier: str | None
    percent: Percentages
    next_tier: NextTierOut | None
    tomorrow: TomorrowOut
    payments: list[CountedPaymentOut]
    suppressed: list[SuppressedPromotionOut]
    recorded: RecordedDiscountOut | None
    pay: MoneyOut | None
