"""What an order or a charge costs: one discount per reseller, and what it suppresses (programme.md 6)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final, assert_never

from domain.money import Money, percent_off
from domain.programme.model import (
    Discount,
    FlatDiscount,
    NoDiscount,
    Product,
    Promotion,
    Tier,
    TurnoverDiscount,
)

GUARD_RAIL_FROM: Final = 100
"""A run over fewer resellers than this is never held back."""


class RunState(StrEnum):
    """A run computes, may be held for a person, applies; or it is refused, or a later one takes its place."""

    COMPUTING = "computing"
    HELD = "held"
    APPLYING = "applying"
    DONE = "done"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


class SuppressedBy(StrEnum):
    """Why a promotion was left out."""

    TURNOVER = "turnover"
    BETTER = "better"


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A promotion that would have applied."""

    code: str
    percent: Decimal
    by: SuppressedBy


@dataclass(frozen=True, slots=True)
class Priced:
    """An order's price; `percent` is what was taken off the list, by `promotion` or by the reseller's discount."""

    list_price: Money
    percent: Decimal
    net: Money
    suppressed: tuple[Suppressed, ...] = ()
    promotion: str | None = None

    @property
    def discount(self) -> Money:
        """List less net."""
        return self.list_price - self.net


def reseller_percent(rules: Discount, family: str | None, tier: Tier | None) -> Decimal:
    """The reseller's own discount on a product of that family (`None`: a plan, or no family)."""
    match rules:
        case NoDiscount():
            return Decimal(0)
        case FlatDiscount(percent):
            return percent
        case TurnoverDiscount():
            return tier.percent.get(family, Decimal(0)) if tier and family else Decimal(0)
        case _:
            assert_never(rules)


def applies(promotion: Promotion, product: str, day: date) -> bool:
    """Whether a promo code or campaign is good for a product on a local day."""
    begun = promotion.first_day is None or promotion.first_day <= day
    over = promotion.last_day is not None and promotion.last_day < day
    return begun and not over and (not promotion.products or product in promotion.products)


def price(list_price: Money, percent: Decimal) -> Priced:
    """A charge less a percentage, rounded half up once."""
    return Priced(list_price, percent, percent_off(list_price, percent))


def price_order(
    list_price: Money,
    product: Product,
    rules: Discount,
    tier: Tier | None,
    promotions: Iterable[Promotion],
    day: date,
) -> Priced:
    """An order of `list_price` in all, placed on a local day.

    A turnover discount above zero for the product's family suppresses every promotion. Otherwise
    discounts do not add up: the greatest counts, the reseller's own before an equal one.
    """
    own = reseller_percent(rules, product.family, tier)
    good = [one for one in promotions if applies(one, product.code, day)]
    if isinstance(rules, TurnoverDiscount) and own > 0:
        left_out = tuple(Suppressed(one.code, one.percent, SuppressedBy.TURNOVER) for one in good)
        return Priced(list_price, own, percent_off(list_price, own), left_out)
    best = max([own, *(one.percent for one in good)])
    winner = next((one for one in good if one.percent == best), None) if best > own else None
    left_out = tuple(Suppressed(one.code, one.percent, SuppressedBy.BETTER) for one in good if one is not winner)
    return Priced(list_price, best, percent_off(list_price, best), left_out, winner.code if winner else None)


def needs_approval(resellers: int, moved: int, guard_rail: Decimal) -> bool:
    """Whether a run over `resellers` that moves `moved` of them waits for an operator."""
    return resellers >= GUARD_RAIL_FROM and moved * 100 > resellers * guard_rail
