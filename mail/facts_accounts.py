"""Facts of the mails about accounts and their resellers."""

from typing import Literal

from mail.facts import AccountFacts, Count, Facts, Instant, Line, Percent


class WelcomeReseller(AccountFacts):
    """`welcome-reseller`: `left` is the reseller whose client the account was, if any."""

    discount: Percent | None = None
    terms_version: Line = ""
    accepted_at: Instant
    left: Line = ""


class Activation(AccountFacts):
    """`activation`: link `activation`, valid until `expires_at`."""

    expires_at: Instant


class AccountNotice(AccountFacts):
    """`account-notice`: a new account for an address that is already registered."""


class AddressChanged(AccountFacts):
    """`address-changed`: one mail to the old address and one to the new; `told`: which of the two."""

    old_address: Line
    new_address: Line
    told: Literal["old", "new"]
    changed_at: Instant


class AccountConnected(AccountFacts):
    """`account-connected`: the brand is the new reseller's."""

    connected_at: Instant


class AccountDisconnected(AccountFacts):
    """`account-disconnected`: `reseller` is the name of the former reseller."""

    reseller: Line
    disconnected_at: Instant


class AccountDeleted(AccountFacts):
    """`account-deleted`: restorable until `final_at`."""

    deleted_at: Instant
    final_at: Instant


class AccountRestored(AccountFacts):
    """`account-restored`."""

    restored_at: Instant


class Merged(Facts):
    """`merged`: to both resellers; `told`: which of the two."""

    merged: Line
    into: Line
    told: Literal["merged", "into"]
    clients: Count
    offers: Count
    tier_before: Line = ""
    tier_after: Line = ""
    merged_at: Instant
