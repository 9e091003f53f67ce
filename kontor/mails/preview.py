"""Previews of every mail from sample facts, in any brand and language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import brand_queries
from kontor.accounts.brands import Branding, resolve_branding
from kontor.kernel.errors import NotFound
from kontor.mailer.brand import Brand
from kontor.mailer.build import OutgoingMail, kind_of
from kontor.mailer.identity import Addressee, SenderIdentity, sender_for
from kontor.mailer.registry import Audience, MailKind
from kontor.mails.dispatch import provider_brand, sender_addresses
from kontor.programme import Programme
from kontor.programme import service as programme_service
from kontor.programme.service import Programmes
from models.accounts import Account, AccountKind

KONTOR_NAME: Final = "Kontor"
SAMPLE_CLIENT_ADDRESS: Final = "admin@elbe.example"
SAMPLE_RESELLER_ADDRESS: Final = "ops@nordlicht.example"
SAMPLE_RECIPIENTS: Final = {Audience.RESELLER: SAMPLE_RESELLER_ADDRESS, Audience.OPERATOR: "duty@kontor.example"}
NOREPLY_ADDRESS: Final = "noreply@kontor.example"
SampleFacts = dict[str, dict[str, object]]
"""Facts by mail name."""


@dataclass(frozen=True, slots=True)
class SampleSender:
    """The sender of sample mails; `key` identifies it in URLs, empty for Kontor itself, which has no programme."""

    key: str
    branding: Branding
    timezone: str
    programme: Programme | None = None

    @property
    def name(self) -> str:
        """Brand name that readers see."""
        return self.branding.brand.name

    def sender(self, locale: str) -> SenderIdentity:
        """Return the sender addresses for the headers."""
        if self.programme is None:
            return sender_for(self.name, None, {"en": NOREPLY_ADDRESS}, locale, NOREPLY_ADDRESS)
        return sender_addresses(self.branding, self.programme, locale)


def sample_sender(session: Session, programmes: Programmes, public_url: str, key: str) -> SampleSender:
    """Return the sender for a key: empty for Kontor itself, a programme code for its provider, or an account id.

    An account id stands for the account's reseller, a reseller's id for itself. Raises NotFound.
    """
    if not key:
        return SampleSender(key, Branding(Brand(name=KONTOR_NAME, link_base=public_url), None), "UTC")
    account_id = _id(key)
    if account_id is None:
        programme = programmes.current(session, programme_service.get(session, key).code)
        return SampleSender(key, Branding(provider_brand(programme, public_url), None), programme.timezone, programme)
    account = session.get(Account, account_id)
    is_reseller = account is not None and account.kind == AccountKind.RESELLER
    row = brand_queries.branding_row(session, account_id, account_id if is_reseller else None)
    if row is None:
        raise NotFound
    programme = programmes.of_digest(session, row.programme, row.digest)
    return SampleSender(key, resolve_branding(row, provider_brand(programme, public_url)), row.timezone, programme)


def providers(session: Session, programmes: Programmes) -> Sequence[tuple[str, str]]:
    """Return (programme code, name) of every provider."""
    rows = programme_service.list_programmes(session)
    return [(row.code, programmes.of_digest(session, row.code, row.digest).sender.name) for row in rows]


def sample_mail(sender: SampleSender, template: str, locale: str) -> OutgoingMail:
    """Build a mail of a kind with sample facts and inactive links. Raises Invalid for an unknown kind."""
    kind, facts = kind_of(template), sample_facts()[template]
    reseller_only = bool(facts.get("undeliverable_to"))  # the mail goes to the reseller, with a note (4.6)
    cc = (Addressee(SAMPLE_RESELLER_ADDRESS, role="cc"),) if kind.cc_reseller and not reseller_only else ()
    return OutgoingMail(
        template=template,
        fact_key="sample",
        locale=locale,
        timezone=sender.timezone,
        brand=sender.branding.brand,
        sender=sender.sender(locale),
        to=Addressee(
            SAMPLE_RESELLER_ADDRESS if reseller_only else SAMPLE_RECIPIENTS.get(kind.audience, SAMPLE_CLIENT_ADDRESS),
            role="to",
        ),
        facts=facts,
        links=SAMPLE_LINKS,
        cc=cc,
        addressee=sample_addressee(kind),
    )


def _id(key: str) -> UUID | None:
    try:
        return UUID(key)
    except ValueError:
        return None


SAMPLE_ACCOUNT = "Elbe Logistik"
SAMPLE_RESELLER = "Nordlicht Learning"
SENT, DECIDED, LATER = "2026-11-21T08:30:00Z", "2026-11-24T15:45:00Z", "2026-12-21T13:00:00Z"
SAMPLE_LINKS: Mapping[str, str] = MappingProxyType(
    {
        "decision": "/offers/sample-token-of-an-offer",
        "activation": "/activate/sample-token-of-an-activation",
        "unsubscribe": "/unsubscribe/sample-token",
        "console": "/console/jobs?state=dead",
    }
)


def sample_addressee(kind: MailKind) -> str:
    """Return the name of the account that the sample of a kind is addressed to; empty for none."""
    if sample_facts()[kind.name].get("undeliverable_to"):
        return ""
    return {Audience.RESELLER: SAMPLE_RESELLER, Audience.OPERATOR: ""}.get(kind.audience, SAMPLE_ACCOUNT)


def sample_facts() -> SampleFacts:
    """Return sample facts by mail name."""
    return _accounts() | _offers() | _usage() | _money_mails() | _operators()


def _accounts() -> SampleFacts:
    moved = {"old_address": "ops@nordlicht.example", "new_address": "admin@elbe.example"}
    tiers = {"tier_before": "2,000", "tier_after": "5,000"}
    return {
        "welcome-reseller": {
            "account": SAMPLE_RESELLER,
            "discount": "20",
            "terms_version": "2026-01",
            "accepted_at": SENT,
            "left": "Alster Media",
        },
        "activation": _account(expires_at=DECIDED),
        "account-notice": _account(),
        "address-changed": _account(told="old", changed_at=SENT, **moved),
        "account-connected": _account(connected_at=SENT),
        "account-disconnected": _account(reseller=SAMPLE_RESELLER, disconnected_at=SENT),
        "account-deleted": _account(deleted_at=SENT, final_at=LATER),
        "account-restored": _account(restored_at=DECIDED),
        "merged": {
            "merged": "Alster Media",
            "into": SAMPLE_RESELLER,
            "told": "into",
            "clients": 12,
            "offers": 3,
            "merged_at": SENT,
            **tiers,
        },
    }


def _offers() -> SampleFacts:
    lines = [
        {"product": "Excel Basics", "count": 15, "mode": "absolute", "term": "P1Y"},
        {"product": "Data Protection", "count": 5, "mode": "relative", "term": "2027-06-30"},
    ]
    changes = [
        {"product": "Excel Basics", "now": 10, "then": 15},
        {"product": "Data Protection", "now": 1, "then": 6},
    ]
    message = "As agreed on the phone.\nThe new licences can start on Monday."
    ending = [
        {"product": "Excel Basics", "count": 10, "ends_at": LATER},
        {"product": "Data Protection", "count": 1, "ends_at": LATER},
    ]
    decided = _account(lines=lines, decided_at=DECIDED, by="admin@elbe.example")
    return {
        "offer-received": _account(lines=lines, changes=changes, message=message, expires_at=LATER),
        "offer-withdrawn": _account(lines=lines, sent_at=SENT),
        "offer-accepted": decided,
        "offer-rejected": decided,
        "offer-expired": _account(lines=lines, sent_at=SENT, expired_at=LATER),
        "delivery-failed": _account(
            subject_of="offer", lines=lines, error="answered 404: Not Found", attempts=5, failed_at=DECIDED
        ),
        "licences-ending": _account(licences=ending, days=14),
    }


def _usage() -> SampleFacts:
    free = {"metric": "appointments", "limit": 50}
    quota = {**free, "resets_on": "2026-12-01"}
    notices = [
        {"account": f"Elbe {place}", "threshold": threshold, "value": value, **free}
        for place, threshold, value in (("Nord", "warning", 41), ("Mitte", "reached", 50), ("Süd", "exceeded", 57))
    ]
    return {
        "trial-started": _account(ends_at="2026-11-28T08:30:00Z", **free),
        "trial-reminder": _account(ends_at="2026-11-28T08:30:00Z", days=3, **free),
        "trial-ended": _account(ended_at="2026-11-28T08:30:00Z", value=57, read_only=True, **free),
        "quota-warning": _account(value=41, percent=82, **quota),
        "quota-reached": _account(value=50, percent=100, **quota),
        "quota-exceeded": _account(value=57, percent=114, read_only=True, undeliverable_to="old@elbe.example", **quota),
        "quota-digest": {"starts_at": "2026-11-21T08:00:00Z", "ends_at": "2026-11-21T09:00:00Z", "notices": notices},
    }


def _money_mails() -> SampleFacts:
    percents = [{"family": "VPS", "percent": "19"}, {"family": "SSL", "percent": "3"}]
    leaving = {"paid_on": "2026-10-21", "reference": "R-1042", "amount": _money("3000.00")}
    charge = {
        "item": "Call Recording",
        "period_start": "2026-11-01",
        "period_end": "2026-12-01",
        "fee": _money("1250.00"),
        "discount": _money("250.00"),
        "total": _money("1000.00"),
    }
    charges = [_account(**charge), {"account": "Elbe Nord", **charge}]
    listed = {"charges": charges, "more": 3, "rest": _money("3000.00")}
    return {
        "tier-changed": {
            "as_of": "2026-11-21",
            "before": "30,000",
            "now": "50,000",
            "turnover": _money("52000.00", "RUB"),
            "percents": percents,
            "next_tier": "100,000",
            "missing": _money("48000.00", "RUB"),
        },
        "tier-drop-tomorrow": {
            "on": "2026-11-22",
            "before": "50,000",
            "after": "30,000",
            "turnover": _money("49000.00", "RUB"),
            "keep_with": _money("1000.00", "RUB"),
            "leaving": [leaving | {"amount": _money("3000.00", "RUB")}],
        },
        "statement": {
            "month": "2026-11-01",
            **listed,
            "fees": _money("6250.00"),
            "discounts": _money("1250.00"),
            "total": _money("5000.00"),
        },
        "margin-note": _account(product="Call Recording", retail_fee=_money("8.00"), wholesale_fee=_money("10.00")),
    }


def _operators() -> SampleFacts:
    alerts = [
        {"kind": "dead_jobs", "count": 3, "detail": "offers.deliver, mail.send"},
        {"kind": "late_work", "count": 120, "detail": "discounts.recompute"},
        {"kind": "held_lanes", "count": 1, "detail": "instance of Elbe Logistik"},
        {"kind": "guard_rail", "count": 1, "detail": "hosting: 41 %"},
        {"kind": "reconciliation", "count": 2},
    ]
    return {"operator-alert": {"alerts": alerts}}


def _account(**facts: object) -> dict[str, object]:
    return {"account": SAMPLE_ACCOUNT, **facts}


def _money(amount: str, currency: str = "EUR") -> dict[str, str]:
    return {"amount": amount, "currency": currency}
