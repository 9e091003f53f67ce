"""Mails about services that orders bought: facts and samples."""

from typing import Final

from kontor.kernel.states import ServiceVerb, SuspensionCause
from kontor.mailer.kinds import AccountFacts, Audience, Count, Day, Line, MailKind, MoneyFact, sample_money, sample_of


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


ACTIVE_SAMPLE = sample_of(product="VPS Small", quantity=2, paid_until="2026-12-21")
FAILED_SAMPLE = sample_of(
    product="VPS Small", verb="create", error="answered 422: no capacity", credited=sample_money("390.00", "RUB")
)
SUSPENDED_SAMPLE = sample_of(product="VPS Small", cause="unpaid", ends_on="2026-12-21")

RESELLER: Final = Audience.RESELLER
KINDS: Final = (
    MailKind("service-active", ServiceActiveFacts, RESELLER, sample=ACTIVE_SAMPLE),
    MailKind("service-failed", ServiceFailedFacts, RESELLER, sample=FAILED_SAMPLE),
    MailKind("service-suspended", ServiceSuspendedFacts, RESELLER, sample=SUSPENDED_SAMPLE),
)
