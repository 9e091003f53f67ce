"""Prices of orders and charges: one discount per reseller, and the promotions it suppresses (programme.md 6)."""

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
"""A run over fewer resellers than this never waits for approval."""


class RunState(StrEnum):
    """A run computes, may be held for approval, then applies; or it is rejected, or a later run supersedes it."""

    COMPUTING = "computing"
    HELD = "held"
    APPLYING = "applying"
    DONE = "done"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


class SuppressedBy(StrEnum):
    """Why a promotion was suppressed."""

    TURNOVER = "turnover"
    BETTER = "better"


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A promotion that would have applied without the discount."""

    code: str
    percent: Decimal
    by: SuppressedBy


@dataclass(frozen=True, slots=True)
class Priced:
    """An order's price; `percent` is the discount on the list price, by `promotion` or by the reseller's discount."""

    list_price: Money
    percent: Decimal
    net: Money
    suppressed: tuple[Suppressed, ...] = ()
    promotion: str | None = None

    @property
    def discount(self) -> Money:
        """List price minus net price."""
        return self.list_price - self.net


def reseller_percent(rules: Discount, family: str | None, tier: Tier | None) -> Decimal:
    """Return the reseller's own discount on a product of a family (`None`: a plan, or no family)."""
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
    """Return whether a promo code or campaign applies to a product on a local day."""
    started = promotion.first_day is None or promotion.first_day <= day
    over = promotion.last_day is not None and promotion.last_day < day
    return started and not over and (not promotion.products or product in promotion.products)


def price(list_price: Money, percent: Decimal) -> Priced:
    """Price a charge with a percentage off, rounded half up once."""
    return Priced(list_price, percent, percent_off(list_price, percent))


def price_order(
    list_price: Money,
    product: Product,
    rules: Discount,
    tier: Tier | None,
    promotions: Iterable[Promotion],
    day: date,
) -> Priced:
    """Price an order with the total `list_price`, placed on a local day.

    A turnover discount above zero for the product's family suppresses every promotion. Otherwise
    discounts do not add up: the greatest applies, and of equal ones the reseller's own.
    """
    own = reseller_percent(rules, product.family, tier)
    valid = [promotion for promotion in promotions if applies(promotion, product.code, day)]
    if isinstance(rules, TurnoverDiscount) and own > 0:
        return Priced(list_price, own, percent_off(list_price, own), _suppressed(valid, SuppressedBy.TURNOVER))
    best = max([own, *(promotion.percent for promotion in valid)])
    winner = next((promotion for promotion in valid if promotion.percent == best), None) if best > own else None
    losers = [promotion for promotion in valid if promotion is not winner]
    suppressed = _suppressed(losers, SuppressedBy.BETTER)
    return Priced(list_price, best, percent_off(list_price, best), suppressed, winner.code if winner else None)


def needs_approval(resellers: int, moved: int, guard_rail: Decimal) -> bool:
    """Return whether a run that moves `moved` of `resellers` to another tier waits for an operator."""
    return resellers >= GUARD_RAIL_FROM and moved * 100 > resellers * guard_rail


def _suppressed(promotions: Iterable[Promotion], by: SuppressedBy) -> tuple[Suppressed, ...]:
    return tuple(Suppressed(promotion.code, promotion.percent, by) for promotion in promotions)
