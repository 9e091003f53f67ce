"""Turnover and discount of one reseller (programme.md 6)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from tests.oracle.days import months_later
from tests.oracle.rules import Code, Rules, TierRow


@dataclass(frozen=True)
class Paid:
    """A payment on its local day; refunds and chargebacks are negative."""

    day: date
    amount: Decimal


@dataclass(frozen=True)
class Priced:
    """The price of an order."""

    list_price: Decimal
    percent: Decimal
    net: Decimal
    suppressed: frozenset[str]


def turnover(paid: Iterable[Paid], day: date) -> Decimal:
    """The sum from the same day a month ago to the day, both included."""
    first = months_later(day, -1)
    total = Decimal(0)
    for payment in paid:
        if first <= payment.day <= day:
            total += payment.amount
    return total


def tier(rules: Rules, amount: Decimal) -> TierRow | None:
    """Go up the table while the amount reaches the row."""
    reached = None
    for row in rules.tiers:
        if row.start <= amount:
            reached = row
    return reached


def percents(rules: Rules, paid: Iterable[Paid], day: date) -> dict[str, Decimal]:
    """Per cent per family; `*` means everything."""
    if rules.discount == "flat":
        return {"*": rules.flat}
    if rules.discount != "turnover":
        return {}
    row = tier(rules, turnover(paid, day))
    return {family: row.percent[family] if row else Decimal(0) for family in rules.families}


def percent_of(rules: Rules, paid: Iterable[Paid], day: date, family: str | None) -> Decimal:
    """The reseller's own discount on a family; a plan has none."""
    by_family = percents(rules, paid, day)
    return by_family.get("*", by_family.get(family or "", Decimal(0)))


def keep_with(rules: Rules, paid: Iterable[Paid], day: date) -> Decimal | None:
    """The smallest payment that keeps the tier tomorrow; None if it is kept anyway."""
    paid_so_far = [payment for payment in paid if payment.day <= day]
    now = tier(rules, turnover(paid_so_far, day))
    tomorrow = turnover(paid_so_far, day + timedelta(days=1))
    then = tier(rules, tomorrow)
    if now is None or (then is not None and then.start >= now.start):
        return None
    return now.start - tomorrow


def order(
    rules: Rules, paid: Iterable[Paid], day: date, product: str, quantity: int, typed: str | None
) -> Priced:  # fmt: skip
    """Only the best discount applies; a turnover discount above zero suppresses all others."""
    sold = rules.products[product]
    assert sold.price is not None
    list_price = sold.price * quantity
    own = percent_of(rules, paid, day, sold.family)
    typed_codes = [code for name, code in rules.codes.items() if typed and name.casefold() == typed.casefold()]
    good = [code for code in [*typed_codes, *rules.campaigns.values()] if is_good(code, product, day)]
    best, winner = own, None
    if not (rules.discount == "turnover" and own > 0):
        for code in good:
            if code.percent > best:
                best, winner = code.percent, code
    net = rules.rounded(list_price * (100 - best) / 100)
    return Priced(list_price, best, net, frozenset(code.name for code in good if code is not winner))


def is_good(code: Code, product: str, day: date) -> bool:
    """Whether a promotion applies to this product on this day."""
    if code.products and product not in code.products:
        return False
    if code.first is not None and day < code.first:
        return False
    return code.last is None or day <= code.last
