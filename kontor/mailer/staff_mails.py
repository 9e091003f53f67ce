"""Mails about alerts, keys and sign-ins: facts, kinds and samples."""

from typing import Final

from kontor.kernel.states import AlertKind
from kontor.mailer.kinds import LATER, SENT, Audience, Count, Instant, Line, MailFacts, MailKind, sample_of


class AlertFact(MailFacts):
    """One incident with its count."""

    kind: AlertKind
    count: Count
    detail: Line = ""


class OperatorAlertFacts(MailFacts):
    """`operator-alert`: link `console`. `all_clear`: all these alerts are resolved."""

    alerts: tuple[AlertFact, ...]
    all_clear: bool = False


class KeyExpiringFacts(MailFacts):
    """`key-expiring`: `account` is empty for a key of the provider's, mailed to its operators."""

    account: Line = ""
    key: Line
    days: Count
    expires_at: Instant
    last_used_at: Instant | None = None


class NewSignInFacts(MailFacts):
    """`new-sign-in`: link `security`. `email`: the login, an address or an account's name.

    `device`: browser and system, empty if unknown; `origin`: an IP address.
    """

    email: Line
    at: Instant
    device: Line = ""
    origin: Line


CONSOLE_LINK: Final = frozenset({"console"})
SECURITY_LINK: Final = frozenset({"security"})
ALERTS_SAMPLE = [
    {"kind": "dead_jobs", "count": 3, "detail": "offers.deliver, mail.send"},
    {"kind": "late_work", "count": 120, "detail": "discounts.recompute"},
    {"kind": "held_lanes", "count": 1, "detail": "instance of Elbe Logistik"},
    {"kind": "held_mails", "count": 12, "detail": "Elbe Handel"},
    {"kind": "guard_rail", "count": 1, "detail": "hosting: 41 %"},
    {"kind": "reconciliation", "count": 2},
]

SIGN_IN_SAMPLE: Final = {
    "email": "anna@learning.example",
    "at": SENT,
    "device": "Firefox, Linux",
    "origin": "203.0.113.7",
}
KINDS: Final = (
    MailKind(
        "key-expiring",
        KeyExpiringFacts,
        Audience.ACCOUNT,
        sample=sample_of(key="Webshop", days=7, expires_at=LATER, last_used_at=SENT),
    ),
    MailKind("new-sign-in", NewSignInFacts, Audience.PERSON, SECURITY_LINK, sample=SIGN_IN_SAMPLE),
    MailKind("operator-alert", OperatorAlertFacts, Audience.OPERATOR, CONSOLE_LINK, sample={"alerts": ALERTS_SAMPLE}),
)
