"""Mails about offers, licences and services: facts and samples."""

from typing import Annotated, Final, Literal

from pydantic import Field

from kontor.kernel.states import ServiceVerb, SuspensionCause
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


class ServiceActiveFacts(AccountFacts):
    """`service-active`: to the reseller; `account`: who has it; `paid_until` is a day, end exclusive."""

    product: Line
    quantity: Count
    paid_until: Day | None = None


class ServiceFailedFacts(AccountFacts):
    """`service-failed`: to the reseller; `verb`: what was asked; `credited`: what it had cost."""

    product: Line
    verb: ServiceVerb
    error: Line
    credited: MoneyFact | None = None


class ServiceSuspendedFacts(AccountFacts):
    """`service-suspended`: to the reseller; `ends_on`: the day on which an unpaid service ends."""

    product: Line
    cause: SuspensionCause
    ends_on: Day | None = None


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
ACTIVE_SAMPLE = sample_of(product="VPS Small", quantity=2, paid_until="2026-12-21")
NOT_DONE_SAMPLE = sample_of(
    product="VPS Small", verb="create", error="answered 422: no capacity", credited=sample_money("390.00", "RUB")
)
SUSPENDED_SAMPLE = sample_of(product="VPS Small", cause="unpaid", ends_on="2026-12-21")

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
    MailKind("service-active", ServiceActiveFacts, RESELLER, sample=ACTIVE_SAMPLE),
    MailKind("service-failed", ServiceFailedFacts, RESELLER, sample=NOT_DONE_SAMPLE),
    MailKind("service-suspended", ServiceSuspendedFacts, RESELLER, sample=SUSPENDED_SAMPLE),
)
