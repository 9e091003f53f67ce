"""Turnover and its tiers: what counts on a day, which row that is, and why (programme.md 6)."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from domain.periods import ONE_DAY, Window, leaving, turnover_window
from domain.programme.model import Tier, TurnoverDiscount


class PaymentKind(StrEnum):
    """Amounts are positive; the kind says which way the money went."""

    PAYMENT = "payment"
    REFUND = "refund"
    CHARGEBACK = "chargeback"


@dataclass(frozen=True, slots=True)
class Entry:
    """A posted payment on its local day, or a refund or chargeback on its own."""

    day: date
    kind: PaymentKind
    amount: Decimal
    reference: str = ""

    @property
    def signed(self) -> Decimal:
        """What it adds to turnover."""
        return self.amount if self.kind is PaymentKind.PAYMENT else -self.amount


@dataclass(frozen=True, slots=True)
class NextTier:
    """The next row above, and how much more would reach it now."""

    tier: Tier
    missing: Decimal


@dataclass(frozen=True, slots=True)
class Tomorrow:
    """The day after, if nothing more is paid.

    `keep_with` is the smallest payment that keeps today's tier; `None` unless the tier falls.
    """

    turnover: Decimal
    tier: Tier | None
    leaving: tuple[Entry, ...]
    keep_with: Decimal | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A day's discount and all that it follows from."""

    day: date
    window: Window
    turnover: Decimal
    tier: Tier | None
    percent: Mapping[str, Decimal]
    next_tier: NextTier | None
    tomorrow: Tomorrow
    counted: tuple[Entry, ...]


def turnover(entries: Iterable[Entry], window: Window) -> Decimal:
    """Payments less refunds and chargebacks in the window; may be negative."""
    return sum((entry.signed for entry in entries if entry.day in window), Decimal(0))


def tier_at(tiers: Sequence[Tier], amount: Decimal) -> Tier | None:
    """The row with the greatest `from` that is not above the amount; `None` below the first."""
    position = bisect_right(tiers, amount, key=lambda tier: tier.start)
    return tiers[position - 1] if position else None


def next_tier(tiers: Sequence[Tier], amount: Decimal) -> NextTier | None:
    """The first row above the amount; `None` in the last."""
    position = bisect_right(tiers, amount, key=lambda tier: tier.start)
    return NextTier(tiers[position], tiers[position].start - amount) if position < len(tiers) else None


def percentages(rules: TurnoverDiscount, tier: Tier | None) -> dict[str, Decimal]:
    """Per cent per family; without a tier all are 0."""
    return {family: tier.percent[family] if tier else Decimal(0) for family in rules.families}


def explain(rules: TurnoverDiscount, entries: Iterable[Entry], day: date) -> Explanation:
    """The discount of a local day from the ledger as it is known now; later entries do not count."""
    known = sorted((entry for entry in entries if entry.day <= day), key=lambda entry: entry.day)
    window = turnover_window(day)
    amount = turnover(known, window)
    tier = tier_at(rules.tiers, amount)
    return Explanation(
        day=day,
        window=window,
        turnover=amount,
        tier=tier,
        percent=percentages(rules, tier),
        next_tier=next_tier(rules.tiers, amount),
        tomorrow=_tomorrow(rules, known, day, tier),
        counted=tuple(entry for entry in known if entry.day in window),
    )


def what_if(rules: TurnoverDiscount, entries: Iterable[Entry], day: date, pay: Decimal) -> Explanation:
    """The same as if that much were paid on the day."""
    return explain(rules, [*entries, Entry(day, PaymentKind.PAYMENT, pay)], day)


def falls(now: Tier | None, then: Tier | None) -> bool:
    """Whether the second tier is lower than the first."""
    return now is not None and (then is None or then.start < now.start)


def _tomorrow(rules: TurnoverDiscount, known: Sequence[Entry], day: date, tier: Tier | None) -> Tomorrow:
    amount = turnover(known, turnover_window(day + ONE_DAY))
    then = tier_at(rules.tiers, amount)
    gone = leaving(day)
    return Tomorrow(
        turnover=amount,
        tier=then,
        leaving=tuple(entry for entry in known if gone is not None and entry.day in gone),
        keep_with=tier.start - amount if tier is not None and falls(tier, then) else None,
    )
