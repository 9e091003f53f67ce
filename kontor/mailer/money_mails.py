"""Mails about discounts, fees, prices and balances: facts and samples."""

from typing import Final, Literal

from kontor.mailer.kinds import (
    AccountFacts,
    Audience,
    Count,
    Day,
    Line,
    MailFacts,
    MailKind,
    MoneyFact,
    Percent,
    sample_money,
    sample_of,
)


class FamilyPercentFact(MailFacts):
    """Discount on a product family, in percent."""

    family: Line
    percent: Percent


class TierChangedFacts(MailFacts):
    """`tier-changed`: tiers are names; empty: no tier."""

    as_of: Day
    before: Line = ""
    now: Line = ""
    turnover: MoneyFact
    percents: tuple[FamilyPercentFact, ...]
    next_tier: Line = ""
    missing: MoneyFact | None = None


class PaymentFact(MailFacts):
    """A payment that leaves the turnover window."""

    paid_on: Day
    reference: Line
    amount: MoneyFact


class TierDropFacts(MailFacts):
    """`tier-drop-tomorrow`: `on` is tomorrow; `keep_with`: the smallest payment that keeps the tier."""

    on: Day
    before: Line
    after: Line = ""
    turnover: MoneyFact
    keep_with: MoneyFact
    leaving: tuple[PaymentFact, ...]


class StatementLineFact(AccountFacts):
    """One line; `period_end` is exclusive. All but a charge lessen or restore what an earlier one said, by sign."""

    kind: Literal["charge", "credit", "void", "credit_void"] = "charge"
    item: Line
    period_start: Day
    period_end: Day
    fee: MoneyFact
    discount: MoneyFact
    total: MoneyFact


class StatementFacts(MailFacts):
    """`statement`: the charges and credits of one month, and earlier ones voided since; `month` is its first day.

    Long lists are cut off: `more` is the number of lines left out, `rest` their total. `credits` is the sum of all
    lines that are no charges; fees - discounts + credits = total.
    """

    month: Day
    charges: tuple[StatementLineFact, ...]
    more: Count = 0
    rest: MoneyFact | None = None
    fees: MoneyFact
    discounts: MoneyFact
    credits: MoneyFact | None = None
    total: MoneyFact


class MarginNoteFacts(AccountFacts):
    """`margin-note`: a monthly retail fee below what the reseller pays; `more` clients have the same product so."""

    product: Line
    retail_fee: MoneyFact
    wholesale_fee: MoneyFact
    more: Count = 0


class PriceChangeFact(MailFacts):
    """A price before discount, of one month or of one order."""

    item: Line
    monthly: bool = True
    before: MoneyFact
    after: MoneyFact


class PriceChangeFacts(MailFacts):
    """`price-change`: prices that a reseller pays from a local day on."""

    begins: Day
    prices: tuple[PriceChangeFact, ...]


class BalanceLowFacts(MailFacts):
    """`balance-low`: `limited` when orders that the balance does not cover are refused; `pay_url` may be empty.

    About a `renewal` that the balance does not cover: the product, its `price` and what is `missing`.
    """

    balance: MoneyFact
    threshold: MoneyFact | None = None
    limited: bool
    pay_url: Line = ""
    renewal: Line = ""
    price: MoneyFact | None = None
    missing: MoneyFact | None = None


TIER_SAMPLE = {
    "as_of": "2026-11-21",
    "before": "30,000",
    "now": "50,000",
    "turnover": sample_money("52000.00", "RUB"),
    "percents": [{"family": "VPS", "percent": "19"}, {"family": "SSL", "percent": "3"}],
    "next_tier": "100,000",
    "missing": sample_money("48000.00", "RUB"),
}
DROP_SAMPLE = {
    "on": "2026-11-22",
    "before": "50,000",
    "after": "30,000",
    "turnover": sample_money("49000.00", "RUB"),
    "keep_with": sample_money("1000.00", "RUB"),
    "leaving": [{"paid_on": "2026-10-21", "reference": "R-1042", "amount": sample_money("3000.00", "RUB")}],
}
CHARGE_SAMPLE = {
    "item": "Call Recording",
    "period_start": "2026-11-01",
    "period_end": "2026-12-01",
    "fee": sample_money("1250.00"),
    "discount": sample_money("250.00"),
    "total": sample_money("1000.00"),
}
CREDIT_SAMPLE = {
    **CHARGE_SAMPLE,
    "kind": "credit",
    "item": "Basic",
    "fee": sample_money("-400.00"),
    "discount": sample_money("0.00"),
    "total": sample_money("-400.00"),
}
VOID_SAMPLE = {**CREDIT_SAMPLE, "kind": "void", "period_start": "2026-10-01", "period_end": "2026-11-01"}
STATEMENT_SAMPLE = {
    "month": "2026-11-01",
    "charges": [
        sample_of(**CHARGE_SAMPLE),
        {"account": "Elbe Nord", **CHARGE_SAMPLE},
        {"account": "Elbe Nord", **CREDIT_SAMPLE},
        {"account": "Elbe Nord", **VOID_SAMPLE},
    ],
    "more": 3,
    "rest": sample_money("3000.00"),
    "fees": sample_money("6250.00"),
    "discounts": sample_money("1250.00"),
    "credits": sample_money("-800.00"),
    "total": sample_money("4200.00"),
}
MARGIN_SAMPLE = sample_of(
    product="Call Recording", retail_fee=sample_money("8.00"), wholesale_fee=sample_money("10.00"), more=2
)
BALANCE_SAMPLE = {
    "balance": sample_money("640.00", "RUB"),
    "threshold": sample_money("1000.00", "RUB"),
    "limited": True,
    "pay_url": "https://pay.hosting.example/top-up?amount=360.00",
}
PRICES_SAMPLE = {
    "begins": "2026-12-01",
    "prices": [
        {"item": "Call Recording", "before": sample_money("10.00"), "after": sample_money("12.00")},
        {"item": "Basic", "before": sample_money("19.00"), "after": sample_money("17.50")},
        {"item": "Handset", "monthly": False, "before": sample_money("49.00"), "after": sample_money("45.00")},
    ],
}

RESELLER: Final = Audience.RESELLER
KINDS: Final = (
    MailKind("tier-changed", TierChangedFacts, RESELLER, sample=TIER_SAMPLE),
    MailKind("tier-drop-tomorrow", TierDropFacts, RESELLER, sample=DROP_SAMPLE),
    MailKind("statement", StatementFacts, RESELLER, sample=STATEMENT_SAMPLE),
    MailKind("margin-note", MarginNoteFacts, RESELLER, sample=MARGIN_SAMPLE),
    MailKind("balance-low", BalanceLowFacts, RESELLER, sample=BALANCE_SAMPLE),
    MailKind("price-change", PriceChangeFacts, RESELLER, sample=PRICES_SAMPLE),
)
