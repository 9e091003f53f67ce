"""Template contexts of the mails about offers, discounts and fees."""

from typing import Literal

from kontor.mailer.contexts import (
    AccountFacts,
    Count,
    CountChangeFact,
    Day,
    Instant,
    Line,
    MailFacts,
    MoneyFact,
    OfferLineFact,
    Percent,
    Text,
)


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
    """One charge; `period_end` is exclusive."""

    item: Line
    period_start: Day
    period_end: Day
    fee: MoneyFact
    discount: MoneyFact
    total: MoneyFact


class StatementFacts(MailFacts):
    """`statement`: the charges of one month; `month` is its first day.

    Long lists are cut off: `more` is the number of charges left out, `rest` their total.
    """

    month: Day
    charges: tuple[StatementLineFact, ...]
    more: Count = 0
    rest: MoneyFact | None = None
    fees: MoneyFact
    discounts: MoneyFact
    total: MoneyFact


class MarginNoteFacts(AccountFacts):
    """`margin-note`: a monthly retail fee below what the reseller pays."""

    product: Line
    retail_fee: MoneyFact
    wholesale_fee: MoneyFact
