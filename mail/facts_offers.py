"""Facts of the mails about offers and licences."""

from typing import Literal

from mail.facts import AccountFacts, Change, Count, Facts, Instant, Line, OfferLine, Text


class OfferReceived(AccountFacts):
    """`offer-received`: to the customer's admin; link `decision`."""

    lines: tuple[OfferLine, ...]
    changes: tuple[Change, ...]
    expires_at: Instant
    message: Text = ""


class OfferWithdrawn(AccountFacts):
    """`offer-withdrawn`: to the customer's admin."""

    lines: tuple[OfferLine, ...]
    sent_at: Instant


class OfferDecided(AccountFacts):
    """`offer-accepted` and `offer-rejected`: to the reseller; `by` is empty for an operator."""

    lines: tuple[OfferLine, ...]
    decided_at: Instant
    by: Line = ""


class OfferExpired(AccountFacts):
    """`offer-expired`: to the reseller."""

    lines: tuple[OfferLine, ...]
    sent_at: Instant
    expired_at: Instant


class DeliveryFailed(AccountFacts):
    """`delivery-failed`: to the reseller; `held`: the instance was down for 72 h."""

    subject_of: Literal["offer", "withdrawal", "licences"]
    lines: tuple[OfferLine, ...] = ()
    error: Line
    attempts: Count
    held: bool = False
    failed_at: Instant


class LicenceEnding(Facts):
    """An ending grant of one product."""

    product: Line
    count: Count
    ends_at: Instant


class LicencesEnding(AccountFacts):
    """`licences-ending`: to the customer's admin, Cc the reseller; link `unsubscribe`."""

    licences: tuple[LicenceEnding, ...]
    days: Count
