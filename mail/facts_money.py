"""Facts of the mails about discounts, charges and margins."""

from mail.facts import AccountFacts, Count, Day, Facts, Line, Money, Percent


class FamilyPercent(Facts):
    """Discount on a product family, in percent."""

    family: Line
    percent: Percent


class TierChanged(Facts):
    """`tier-changed`: tiers are names; empty: no tier."""

    as_of: Day
    before: Line = ""
    now: Line = ""
    turnover: Money
    percents: tuple[FamilyPercent, ...]
    next_tier: Line = ""
    missing: Money | None = None


class Payment(Facts):
    """A payment that leaves the turnover window."""

    paid_on: Day
    reference: Line
    amount: Money


class TierDrop(Facts):
    """`tier-drop-tomorrow`: `on` is tomorrow; `keep_with`: the smallest payment that keeps the tier."""

    on: Day
    before: Line
    after: Line = ""
    turnover: Money
    keep_with: Money
    leaving: tuple[Payment, ...]


class StatementLine(AccountFacts):
    """One charge; `period_end` is exclusive."""

    item: Line
    period_start: Day
    period_end: Day
    fee: Money
    discount: Money
    total: Money


class Statement(Facts):
    """`statement`: the charges of one month; `month` is its first day.

    Long lists are cut off: `more` is the number of charges left out, `rest` their total.
    """

    month: Day
    charges: tuple[StatementLine, ...]
    more: Count = 0
    rest: Money | None = None
    fees: Money
    discounts: Money
    total: Money


class MarginNote(AccountFacts):
    """`margin-note`: a monthly retail fee below what the reseller pays."""

    product: Line
    retail_fee: Money
    wholesale_fee: Money
