"""Discounts on the wire."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.money import MoneyDoc
from api.schema import Day, Moment, Outgoing, Query
from domain.discounts import SuppressedBy
from domain.tiers import PaymentKind

Percentages = dict[str, int | float]
"""Per cent by product family; `*` stands for every plan and product."""


class DiscountQuery(Query):
    """Which local day, and a payment that is only thought of."""

    as_of: Day | None = Field(None, description="A local day; today's when absent.")
    pay: str | None = Field(None, max_length=40, description="As if this much were paid on that day.")


class WindowDoc(Outgoing):
    """Local days, both included."""

    from_: Annotated[date, Field(alias="from")]
    to: date


class CountedDoc(Outgoing):
    """An entry of the ledger."""

    id: UUID
    kind: PaymentKind
    amount: MoneyDoc
    paid_at: Moment
    day: date
    reference: str


class NextTierDoc(Outgoing):
    """The next row, and how much more reaches it now."""

    name: str
    missing: MoneyDoc


class TomorrowDoc(Outgoing):
    """The day after, if nothing more is paid; `keep_with` keeps the tier that would be lost."""

    as_of: date
    turnover: MoneyDoc
    tier: str | None
    leaving: list[CountedDoc]
    keep_with: MoneyDoc | None


class ShutOutDoc(Outgoing):
    """A promo code or campaign that is good on the day and does not apply to these products."""

    code: str
    kind: str
    percent: float
    by: SuppressedBy
    products: list[str]


class RecordedDoc(Outgoing):
    """What stood recorded on the day; unchanged since the day `since`."""

    as_of: date
    since: date
    turnover: MoneyDoc
    tier: str | None
    percent: Percentages


class DiscountDoc(Outgoing):
    """A day's discount, and why."""

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
