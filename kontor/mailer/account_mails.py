"""Mails about accounts and their domains: facts and samples."""

from typing import Final, Literal

from pydantic import AliasChoices, Field

from kontor.mailer.kinds import (
    DECIDED,
    LATER,
    SAMPLE_RESELLER,
    SENT,
    AccountFacts,
    Audience,
    Count,
    Instant,
    Line,
    MailFacts,
    MailKind,
    Percent,
    sample_of,
)

ROLE_KEYS: Final = AliasChoices("role", "told")
"""Keys of `role`: the second is written until the release before, whose workers know no other, is out of use."""


class WelcomeResellerFacts(AccountFacts):
    """`welcome-reseller`: `left` is the reseller whose client the account was, if any."""

    discount: Percent | None = None
    terms_version: Line = ""
    terms_url: Line = ""
    sales: Line = ""
    accepted_at: Instant
    left: Line = ""


class ActivationFacts(AccountFacts):
    """`activation`: link `activation`, valid until `expires_at`."""

    expires_at: Instant


class MemberInvitedFacts(AccountFacts):
    """`member-invited`: link `page`, valid until `expires_at`; `member` is the name of the person invited."""

    member: Line
    expires_at: Instant


class SignInLinkFacts(AccountFacts):
    """`sign-in-link`: link `page`, valid until `expires_at`."""

    expires_at: Instant


class AccountNoticeFacts(AccountFacts):
    """`account-notice`: a new account for an address that is already registered."""


class AddressChangedFacts(AccountFacts):
    """`address-changed`: one mail to the old address and one to the new; `role`: which of the two.

    Link `page`: the new address is confirmed there; with `objection`, the old one objects. `decides_from`: from when
    the new one decides offers.
    """

    old_address: Line
    new_address: Line
    role: Literal["old", "new"] = Field(validation_alias=ROLE_KEYS)
    changed_at: Instant
    objection: bool = False
    decides_from: Instant | None = None


class AddressObjectedFacts(AccountFacts):
    """`address-objected`: `offers` are on hold; `for_operators`: the mail says what to do, with the link `console`."""

    old_address: Line
    new_address: Line
    objected_at: Instant
    offers: Count
    for_operators: bool = False


class AccountConnectedFacts(AccountFacts):
    """`account-connected`: the brand is the new reseller's."""

    connected_at: Instant


class AccountDisconnectedFacts(AccountFacts):
    """`account-disconnected`: `reseller` is the name of the former reseller."""

    reseller: Line
    disconnected_at: Instant


class AccountDeletedFacts(AccountFacts):
    """`account-deleted`: restorable until `final_at`."""

    deleted_at: Instant
    final_at: Instant


class AccountRestoredFacts(AccountFacts):
    """`account-restored`."""

    restored_at: Instant


class MergedFacts(MailFacts):
    """`merged`: to both resellers; `role`: which of the two."""

    merged: Line
    into: Line
    role: Literal["merged", "into"] = Field(validation_alias=ROLE_KEYS)
    clients: Count
    offers: Count
    tier_before: Line = ""
    tier_after: Line = ""
    merged_at: Instant


class MergeRequestFacts(AccountFacts):
    """`merge-request`: `asked`: the reseller `other` asks to merge the account into itself; `agreed`: `other` agreed.

    Link `page`: where it is decided, or begun, until `expires_at`.
    """

    other: Line
    state: Literal["asked", "agreed"]
    expires_at: Instant


class FoldedMailFact(MailFacts):
    """A mail that was folded: its subject, and when it was posted."""

    subject: Line
    at: Instant


class MailDigestFacts(AccountFacts):
    """`mail-digest`: mails beyond those that an address gets one by one; `more` is the number of those not listed."""

    mails: tuple[FoldedMailFact, ...]
    more: Count = 0


class DomainVerifiedFacts(AccountFacts):
    """`domain-verified`."""

    domain: Line


class DomainLostFacts(DomainVerifiedFacts):
    """`domain-lost`: the TXT record has been missing since `missing_since`."""

    missing_since: Instant


WELCOME_SAMPLE = {
    "account": SAMPLE_RESELLER,
    "discount": "20",
    "terms_version": "2026-01",
    "terms_url": "https://provider.example/terms",
    "sales": "sales@provider.example",
    "accepted_at": SENT,
    "left": "Alster Media",
}
MOVED_SAMPLE = sample_of(
    role="old",
    changed_at=SENT,
    old_address="ops@nordlicht.example",
    new_address="admin@elbe.example",
    objection=True,
    decides_from=DECIDED,
)
OBJECTED_SAMPLE = sample_of(
    old_address="ops@nordlicht.example",
    new_address="admin@elbe.example",
    objected_at=DECIDED,
    offers=2,
    for_operators=True,
)
MERGED_SAMPLE = {
    "merged": "Alster Media",
    "into": SAMPLE_RESELLER,
    "role": "into",
    "clients": 12,
    "offers": 3,
    "tier_before": "2,000",
    "tier_after": "5,000",
    "merged_at": SENT,
}
ASKED_SAMPLE: Final = {"account": SAMPLE_RESELLER, "other": "Alster Media", "state": "asked", "expires_at": DECIDED}
MAIL_DIGEST_SAMPLE = sample_of(
    mails=[{"subject": "Your trial has ended", "at": SENT}, {"subject": "Your new account", "at": DECIDED}], more=3
)
VERIFIED_SAMPLE: Final = {"account": SAMPLE_RESELLER, "domain": "nordlicht.example"}
LOST_SAMPLE: Final = {**VERIFIED_SAMPLE, "missing_since": SENT}
RESELLER, ACCOUNT = Audience.RESELLER, Audience.ACCOUNT
ACTIVATION_LINK, CONSOLE_LINK = frozenset({"activation"}), frozenset({"console"})
KINDS: Final = (
    MailKind("welcome-reseller", WelcomeResellerFacts, RESELLER, sample=WELCOME_SAMPLE),
    MailKind("activation", ActivationFacts, ACCOUNT, ACTIVATION_LINK, sample=sample_of(expires_at=DECIDED)),
    MailKind(
        "member-invited",
        MemberInvitedFacts,
        ACCOUNT,
        frozenset({"page"}),
        sample=sample_of(member="Jana Weber", expires_at=DECIDED),
    ),
    MailKind("sign-in-link", SignInLinkFacts, ACCOUNT, frozenset({"page"}), sample=sample_of(expires_at=DECIDED)),
    MailKind("account-notice", AccountNoticeFacts, ACCOUNT, sample=sample_of()),
    MailKind("address-changed", AddressChangedFacts, ACCOUNT, frozenset({"page"}), sample=MOVED_SAMPLE),
    MailKind("address-objected", AddressObjectedFacts, RESELLER, CONSOLE_LINK, sample=OBJECTED_SAMPLE),
    MailKind("account-connected", AccountConnectedFacts, ACCOUNT, sample=sample_of(connected_at=SENT)),
    MailKind(
        "account-disconnected",
        AccountDisconnectedFacts,
        ACCOUNT,
        sample=sample_of(reseller=SAMPLE_RESELLER, disconnected_at=SENT),
    ),
    MailKind("account-deleted", AccountDeletedFacts, ACCOUNT, sample=sample_of(deleted_at=SENT, final_at=LATER)),
    MailKind("account-restored", AccountRestoredFacts, ACCOUNT, sample=sample_of(restored_at=DECIDED)),
    MailKind("domain-verified", DomainVerifiedFacts, RESELLER, sample=VERIFIED_SAMPLE),
    MailKind("domain-lost", DomainLostFacts, RESELLER, sample=LOST_SAMPLE),
    MailKind("merged", MergedFacts, RESELLER, sample=MERGED_SAMPLE),
    MailKind("merge-request", MergeRequestFacts, RESELLER, frozenset({"page"}), sample=ASKED_SAMPLE),
    MailKind("mail-digest", MailDigestFacts, ACCOUNT, sample=MAIL_DIGEST_SAMPLE),
)
