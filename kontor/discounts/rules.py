"""Turnover, tiers and discounts as pure rules (programme.md 6)."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final, assert_never

from kontor.kernel.money import Money, percent_off
from kontor.kernel.periods import ONE_DAY, Window, expiring_days, turnover_window
from kontor.kernel.states import PaymentKind
from kontor.programme.model import Discount, FlatDiscount, NoDiscount, Product, Promotion, Tier, TurnoverDiscount

GUARD_RAIL_MIN_RESELLERS: Final = 100
"""A run over fewer resellers than this never waits for approval."""


class SuppressedBy(StrEnum):
    """Why a promotion was suppressed."""

    TURNOVER = "turnover"
    BETTER = "better"


@dataclass(frozen=True, slots=True)
class SuppressedPromotion:
    """A promotion that would have applied without the discount."""

    code: str
    percent: Decimal
    by: SuppressedBy


@dataclass(frozen=True, slots=True)
class OrderPrice:
    """An order's price; `percent` is the discount on the list price, by `promotion` or by the reseller's discount."""

    list_price: Money
    percent: Decimal
    net: Money
    suppressed: tuple[SuppressedPromotion, ...] = ()
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


def promotion_applies(promotion: Promotion, product: str, day: date) -> bool:
    """Return whether a promo code or campaign applies to a product on a local day."""
    started = promotion.first_day is None or promotion.first_day <= day
    over = promotion.last_day is not None and promotion.last_day < day
    return started and not over and (not promotion.products or product in promotion.products)


def price_charge(list_price: Money, percent: Decimal) -> OrderPrice:
    """Price a charge with a percentage off, rounded half up once."""
    return OrderPrice(list_price, percent, percent_off(list_price, percent))


def price_order(
    list_price: Money,
    product: Product,
    rules: Discount,
    tier: Tier | None,
    promotions: Iterable[Promotion],
    day: date,
) -> OrderPrice:
    """Price an order with the total `list_price`, placed on a local day.

    A turnover discount above zero for the product's family suppresses every promotion. Otherwise
    discounts do not add up: the greatest applies, and of equal ones the reseller's own.
    """
    own = reseller_percent(rules, product.family, tier)
    valid = [promotion for promotion in promotions if promotion_applies(promotion, product.code, day)]
    if isinstance(rules, TurnoverDiscount) and own > 0:
        return OrderPrice(list_price, own, percent_off(list_price, own), _suppressed(valid, SuppressedBy.TURNOVER))
    best = max([own, *(promotion.percent for promotion in valid)])
    winner = next((promotion for promotion in valid if promotion.percent == best), None) if best > own else None
    losers = [promotion for promotion in valid if promotion is not winner]
    suppressed = _suppressed(losers, SuppressedBy.BETTER)
    return OrderPrice(list_price, best, percent_off(list_price, best), suppressed, winner.code if winner else None)


def needs_approval(resellers: int, moved: int, guard_rail: Decimal) -> bool:
    """Return whether a run that moves `moved` of `resellers` to another tier waits for an operator."""
    return resellers >= GUARD_RAIL_MIN_RESELLERS and moved * 100 > resellers * guard_rail


def _suppressed(promotions: Iterable[Promotion], by: SuppressedBy) -> tuple[SuppressedPromotion, ...]:
    return tuple(SuppressedPromotion(promotion.code, promotion.percent, by) for promotion in promotions)


@dataclass(frozen=True, slots=True)
class TurnoverEntry:
    """A payment, refund or chargeback on its own local day."""

    day: date
    kind: PaymentKind
    amount: Decimal
    reference: str = ""

    @property
    def signed(self) -> Decimal:
        """Contribution to turnover."""
        return self.amount if self.kind is PaymentKind.PAYMENT else -self.amount


@dataclass(frozen=True, slots=True)
class NextTier:
    """The next higher tier, and the amount still missing to reach it."""

    tier: Tier
    missing: Decimal


@dataclass(frozen=True, slots=True)
class Tomorrow:
    """Tomorrow's state without further payments.

    `keep_with`: the smallest payment that keeps today's tier; `None` unless the tier falls.
    """

    turnover: Decimal
    tier: Tier | None
    leaving: tuple[TurnoverEntry, ...]
    keep_with: Decimal | None


@dataclass(frozen=True, slots=True)
class DiscountExplanation:
    """A day's discount and everything it is computed from."""

    day: date
    window: Window
    turnover: Decimal
    tier: Tier | None
    percent: Mapping[str, Decimal]
    next_tier: NextTier | None
    tomorrow: Tomorrow
    counted: tuple[TurnoverEntry, ...]


def turnover(entries: Iterable[TurnoverEntry], window: Window) -> Decimal:
    """Return payments minus refunds and chargebacks in the window; may be negative."""
    return sum((entry.signed for entry in entries if entry.day in window), Decimal(0))


@dataclass(frozen=True, slots=True)
class TurnoverDay:
    """What a local day adds to the turnover, below zero where refunds exceed payments; `leaves`: not to tomorrow's."""

    day: date
    amount: Decimal
    leaves: bool


def turnover_by_day(entries: Iterable[TurnoverEntry], day: date) -> tuple[TurnoverDay, ...]:
    """Return every day of the window of `day`, oldest first; one without entries is zero."""
    window, expiring = turnover_window(day), expiring_days(day)
    amounts = {window.first + number * ONE_DAY: Decimal(0) for number in range((window.last - window.first).days + 1)}
    for entry in entries:
        if entry.day in window:
            amounts[entry.day] += entry.signed
    return tuple(
        TurnoverDay(each, amount, expiring is not None and each in expiring) for each, amount in amounts.items()
    )


def tier_at(tiers: Sequence[Tier], amount: Decimal) -> Tier | None:
    """Return the tier with the greatest `from` that is not above the amount; `None` below the first."""
    position = bisect_right(tiers, amount, key=lambda tier: tier.start)
    return tiers[position - 1] if position else None


def next_tier(tiers: Sequence[Tier], amount: Decimal) -> NextTier | None:
    """Return the first tier above the amount; `None` in the last."""
    position = bisect_right(tiers, amount, key=lambda tier: tier.start)
    return NextTier(tiers[position], tiers[position].start - amount) if position < len(tiers) else None


def percentages(rules: TurnoverDiscount, tier: Tier | None) -> dict[str, Decimal]:
    """Return the percentage per family; all 0 without a tier."""
    return {family: tier.percent[family] if tier else Decimal(0) for family in rules.families}


def explain_discount(rules: TurnoverDiscount, entries: Iterable[TurnoverEntry], day: date) -> DiscountExplanation:
    """Compute the discount of a local day; entries after that day do not count."""
    past = sorted((entry for entry in entries if entry.day <= day), key=lambda entry: entry.day)
    window = turnover_window(day)
    amount = turnover(past, window)
    tier = tier_at(rules.tiers, amount)
    return DiscountExplanation(
        day=day,
        window=window,
        turnover=amount,
        tier=tier,
        percent=percentages(rules, tier),
        next_tier=next_tier(rules.tiers, amount),
        tomorrow=_tomorrow(rules, past, day, tier),
        counted=tuple(entry for entry in past if entry.day in window),
    )


def what_if(rules: TurnoverDiscount, entries: Iterable[TurnoverEntry], day: date, pay: Decimal) -> DiscountExplanation:
    """Explain the day as if `pay` were paid on it."""
    return explain_discount(rules, [*entries, TurnoverEntry(day, PaymentKind.PAYMENT, pay)], day)


def is_downgrade(now: Tier | None, then: Tier | None) -> bool:
    """Return whether the second tier is lower than the first."""
    return now is not None and (then is None or then.start < now.start)


def _tomorrow(rules: TurnoverDiscount, past: Sequence[TurnoverEntry], day: date, tier: Tier | None) -> Tomorrow:
    amount = turnover(past, turnover_window(day + ONE_DAY))
    next_day_tier = tier_at(rules.tiers, amount)
    expiring = expiring_days(day)
    return Tomorrow(
        turnover=amount,
        tier=next_day_tier,
        leaving=tuple(entry for entry in past if expiring is not None and entry.day in expiring),
        keep_with=tier.start - amount if tier is not None and is_downgrade(tier, next_day_tier) else None,
    )
