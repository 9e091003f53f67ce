"""Mails about offers, discounts and fees: facts and samples."""

from typing import Annotated, Final, Literal

from pydantic import Field

from kontor.mailer.kinds import (
    DECIDED,
    LATER,
    SENT,
    AccountFacts,
    Audience,
    Count,
    Day,
    Instant,
    Line,
    MailFacts,
    MailKind,
    MoneyFact,
    Percent,
    Text,
    sample_money,
    sample_of,
)


class OfferLineFact(MailFacts):
    """One line of an offer; `term` is an ISO 8601 duration or `YYYY-MM-DD`."""

    product: Line
    count: Count
    mode: Literal["absolute", "relative"]
    term: Annotated[str, Field(pattern=r"^(P(\d+[YMWD])+|\d{4}-\d{2}-\d{2})$")]


class CountChangeFact(MailFacts):
    """Change of one product's count on acceptance."""

    product: Line
    now: Count
    then: Count


class OfferReceivedFacts(AccountFacts):
    """`offer-received`: to the customer's admin; link `decision`."""

    lines: tuple[OfferLineFact, ...]
    changes: tuple[CountChangeFact, ...]
    expires_at: Instant
    message: Text = ""


class OfferWithdrawnFacts(AccountFacts):
    """`offer-withdrawn`: to the customer's admin."""

    lines: tuple[OfferLineFact, ...]
    sent_at: Instant


class OfferDecidedFacts(AccountFacts):
    """`offer-accepted` and `offer-rejected`: to the reseller; `by` is empty for an operator."""

    lines: tuple[OfferLineFact, ...]
    decided_at: Instant
    by: Line = ""


class OfferExpiredFacts(AccountFacts):
    """`offer-expired`: to the reseller."""

    lines: tuple[OfferLineFact, ...]
    sent_at: Instant
    expired_at: Instant


class DeliveryFailedFacts(AccountFacts):
    """`delivery-failed`: to the reseller; `held`: the instance was down for 72 h."""

    subject_of: Literal["offer", "withdrawal", "licences"]
    lines: tuple[OfferLineFact, ...] = ()
    error: Line
    attempts: Count
    held: bool = False
    failed_at: Instant


class LicenceEndingFact(MailFacts):
    """An ending grant of one product."""

    product: Line
    count: Count
    ends_at: Instant


class LicencesEndingFacts(AccountFacts):
    """`licences-ending`: to the customer's admin, Cc the reseller; link `unsubscribe`."""

    licences: tuple[LicenceEndingFact, ...]
    days: Count


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
    """A monthly price before discount."""

    item: Line
    before: MoneyFact
    after: MoneyFact


class PriceChangeFacts(MailFacts):
    """`price-change`: prices that a reseller pays from a local day on."""

    begins: Day
    prices: tuple[PriceChangeFact, ...]


class BalanceLowFacts(MailFacts):
    """`balance-low`: `limited` when orders that the balance does not cover are refused; `pay_url` may be empty."""

    balance: MoneyFact
    threshold: MoneyFact
    limited: bool
    pay_url: Line = ""


LINES = [
    {"product": "Excel Basics", "count": 15, "mode": "absolute", "term": "P1Y"},
    {"product": "Data Protection", "count": 5, "mode": "relative", "term": "2027-06-30"},
]
RECEIVED_SAMPLE = sample_of(
    lines=LINES,
    changes=[
        {"product": "Excel Basics", "now": 10, "then": 15},
        {"product": "Data Protection", "now": 1, "then": 6},
    ],
    message="As agreed on the phone.\nThe new licences can start on Monday.",
    expires_at=LATER,
)
DECIDED_SAMPLE = sample_of(lines=LINES, decided_at=DECIDED, by="admin@elbe.example")
FAILED_SAMPLE = sample_of(
    subject_of="offer", lines=LINES, error="answered 404: Not Found", attempts=5, failed_at=DECIDED
)
ENDING_SAMPLE = sample_of(
    licences=[
        {"product": "Excel Basics", "count": 10, "ends_at": LATER},
        {"product": "Data Protection", "count": 1, "ends_at": LATER},
    ],
    days=14,
)
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
    ],
}

RESELLER, CLIENT = Audience.RESELLER, Audience.CLIENT
KINDS: Final = (
    MailKind("offer-received", OfferReceivedFacts, CLIENT, frozenset({"decision"}), sample=RECEIVED_SAMPLE),
    MailKind("offer-withdrawn", OfferWithdrawnFacts, CLIENT, sample=sample_of(lines=LINES, sent_at=SENT)),
    MailKind("offer-accepted", OfferDecidedFacts, RESELLER, sample=DECIDED_SAMPLE),
    MailKind("offer-rejected", OfferDecidedFacts, RESELLER, sample=DECIDED_SAMPLE),
    MailKind(
        "offer-expired", OfferExpiredFacts, RESELLER, sample=sample_of(lines=LINES, sent_at=SENT, expired_at=LATER)
    ),
    MailKind("delivery-failed", DeliveryFailedFacts, RESELLER, sample=FAILED_SAMPLE),
    MailKind("licences-ending", LicencesEndingFacts, CLIENT, cc_reseller=True, listed=True, sample=ENDING_SAMPLE),
    MailKind("tier-changed", TierChangedFacts, RESELLER, sample=TIER_SAMPLE),
    MailKind("tier-drop-tomorrow", TierDropFacts, RESELLER, sample=DROP_SAMPLE),
    MailKind("statement", StatementFacts, RESELLER, sample=STATEMENT_SAMPLE),
    MailKind("margin-note", MarginNoteFacts, RESELLER, sample=MARGIN_SAMPLE),
    MailKind("balance-low", BalanceLowFacts, RESELLER, sample=BALANCE_SAMPLE),
    MailKind("price-change", PriceChangeFacts, RESELLER, sample=PRICES_SAMPLE),
)
