"""Turnover and discount tiers: the tier of a day and its explanation (programme.md 6)."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from domain.periods import ONE_DAY, Window, leaving, turnover_window
from domain.programme.model import Tier, TurnoverDiscount


class PaymentKind(StrEnum):
    """Kinds of ledger entry. Amounts are positive; the kind gives the direction."""

    PAYMENT = "payment"
    REFUND = "refund"
    CHARGEBACK = "chargeback"


@dataclass(frozen=True, slots=True)
class Entry:
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
    leaving: tuple[Entry, ...]
    keep_with: Decimal | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A day's discount and everything it is computed from."""

    day: date
    window: Window
    turnover: Decimal
    tier: Tier | None
    percent: Mapping[str, Decimal]
    next_tier: NextTier | None
    tomorrow: Tomorrow
    counted: tuple[Entry, ...]


def turnover(entries: Iterable[Entry], window: Window) -> Decimal:
    """Return payments minus refunds and chargebacks in the window; may be negative."""
    return sum((entry.signed for entry in entries if entry.day in window), Decimal(0))


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


def explain(rules: TurnoverDiscount, entries: Iterable[Entry], day: date) -> Explanation:
    """Compute the discount of a local day; entries after that day do not count."""
    past = sorted((entry for entry in entries if entry.day <= day), key=lambda entry: entry.day)
    window = turnover_window(day)
    amount = turnover(past, window)
    tier = tier_at(rules.tiers, amount)
    return Explanation(
        day=day,
        window=window,
        turnover=amount,
        tier=tier,
        percent=percentages(rules, tier),
        next_tier=next_tier(rules.tiers, amount),
        tomorrow=_tomorrow(rules, past, day, tier),
        counted=tuple(entry for entry in past if entry.day in window),
    )


def what_if(rules: TurnoverDiscount, entries: Iterable[Entry], day: date, pay: Decimal) -> Explanation:
    """Explain the day as if `pay` were paid on it."""
    return explain(rules, [*entries, Entry(day, PaymentKind.PAYMENT, pay)], day)


def falls(now: Tier | None, then: Tier | None) -> bool:
    """Return whether the second tier is lower than the first."""
    return now is not None and (then is None or then.start < now.start)


def _tomorrow(rules: TurnoverDiscount, past: Sequence[Entry], day: date, tier: Tier | None) -> Tomorrow:
    amount = turnover(past, turnover_window(day + ONE_DAY))
    next_day_tier = tier_at(rules.tiers, amount)
    expiring = leaving(day)
    return Tomorrow(
        turnover=amount,
        tier=next_day_tier,
        leaving=tuple(entry for entry in past if expiring is not None and entry.day in expiring),
        keep_with=tier.start - amount if tier is not None and falls(tier, next_day_tier) else None,
    )
