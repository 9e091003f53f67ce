"""Request and response models of discounts."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.money import MoneyDoc
from api.schema import Day, Moment, Outgoing, Query
from domain.discounts import SuppressedBy
from domain.tiers import PaymentKind

Percentages = dict[str, int | float]
"""Percentage by product family; `*` means every plan and product."""


class DiscountQuery(Query):
    """The local day, and a hypothetical payment."""

    as_of: Day | None = Field(None, description="A local day; default: today.")
    pay: str | None = Field(None, max_length=40, description="Amount of a hypothetical payment on that day.")


class WindowDoc(Outgoing):
    """Local days, inclusive."""

    from_: Annotated[date, Field(alias="from")]
    to: date


class CountedDoc(Outgoing):
    """A payment that counts towards turnover."""

    id: UUID
    kind: PaymentKind
    amount: MoneyDoc
    paid_at: Moment
    day: date
    reference: str


class NextTierDoc(Outgoing):
    """The next tier, and the turnover missing to reach it."""

    name: str
    missing: MoneyDoc


class TomorrowDoc(Outgoing):
    """The next day without further payments; paying `keep_with` keeps a tier that would be lost."""

    as_of: date
    turnover: MoneyDoc
    tier: str | None
    leaving: list[CountedDoc]
    keep_with: MoneyDoc | None


class ShutOutDoc(Outgoing):
    """A promo code or campaign valid on the day that does not apply to these products."""

    code: str
    kind: str
    percent: float
    by: SuppressedBy
    products: list[str]


class RecordedDoc(Outgoing):
    """The discount recorded for the day; unchanged since the day `since`."""

    as_of: date
    since: date
    turnover: MoneyDoc
    tier: str | None
    percent: Percentages


class DiscountDoc(Outgoing):
    """The discount of a day, with its derivation."""

    as_of: date
    window: WindowDoc
    turnover: MoneyDoc
    tier: str | None
    percent: Percentages
    next_tier: NextTierDoc | None
    tomorrow: TomorrowDoc
    payments: list[CountedDoc]
    suppressed: list[ShutOutDoc]
    recorded: RecordedDoc | None
    pay: MoneyDoc | None
