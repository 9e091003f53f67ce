"""Previews of every mail from sample facts, in any brand and language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import brand_queries
from kontor.accounts.brands import Branding, BrandSettings, resolve_branding
from kontor.kernel.errors import NotFound
from kontor.mailer.brand import Brand
from kontor.mailer.build import OutgoingMail, kind_of
from kontor.mailer.identity import Addressee, SenderIdentity, sender_for
from kontor.mailer.kinds import SAMPLE_ACCOUNT, SAMPLE_RESELLER, Audience, MailKind
from kontor.mailer.registry import MAIL_KINDS
from kontor.mails.dispatch import KONTOR_NAME, provider_brand, sender_addresses
from kontor.mails.display_names import with_names
from kontor.programme import service as programme_service
from kontor.programme.model import Programme
from kontor.programme.service import Programmes
from models.accounts import Account, AccountKind

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


def sample_sender(
    session: Session, programmes: Programmes, public_url: str, key: str, typed: BrandSettings | None = None
) -> SampleSender:
    """Return the sender for a key: empty for Kontor itself, a programme code for its provider, or an account id.

    An account id stands for the account's reseller, a reseller's id for itself; `typed`: settings in place of the
    account's own. Raises NotFound.
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
    branding = resolve_branding(row, provider_brand(programme, public_url), typed)
    return SampleSender(key, branding, row.timezone, programme)


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
        facts=facts if sender.programme is None else with_names(facts, sender.programme, locale),
        links=SAMPLE_LINKS,
        cc=cc,
        addressee=sample_addressee(kind),
    )


def _id(key: str) -> UUID | None:
    try:
        return UUID(key)
    except ValueError:
        return None


SAMPLE_LINKS: Mapping[str, str] = MappingProxyType(
    {
        "decision": "/offers/sample-token-of-an-offer",
        "activation": "/activate/sample-token-of-an-activation",
        "page": "/object/sample-token-of-a-changed-address",
        "unsubscribe": "/unsubscribe/sample-token",
        "console": "/console/jobs?state=dead",
        "security": "/account/security",
    }
)


def sample_addressee(kind: MailKind) -> str:
    """Return the name of the account that the sample of a kind is addressed to; empty for none."""
    if sample_facts()[kind.name].get("undeliverable_to"):
        return ""
    return {Audience.RESELLER: SAMPLE_RESELLER, Audience.OPERATOR: ""}.get(kind.audience, SAMPLE_ACCOUNT)


def sample_facts() -> SampleFacts:
    """Return sample facts by mail name."""
    return {kind.name: dict(kind.sample) for kind in MAIL_KINDS.values()}
