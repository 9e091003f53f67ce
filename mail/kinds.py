"""Registry of all mails: facts, links and audience."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from mail import facts_accounts as accounts
from mail import facts_money as money
from mail import facts_offers as offers
from mail import facts_operators as operators
from mail import facts_usage as usage
from mail.facts import Facts

OPEN_LINKS = frozenset({"console"})


class Audience(StrEnum):
    """Reader of a mail (its To address)."""

    RESELLER = "reseller"
    ACCOUNT = "account"
    CLIENT = "client"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class MailKind:
    """One kind of mail. `listed` mails (reminders, digests) have an unsubscribe link."""

    name: str
    facts: type[Facts]
    audience: Audience
    links: frozenset[str] = frozenset()
    cc_reseller: bool = False
    listed: bool = False

    @property
    def needed_links(self) -> frozenset[str]:
        """Links that a mail of this kind requires."""
        return self.links | {"unsubscribe"} if self.listed else self.links

    @property
    def token_links(self) -> frozenset[str]:
        """Links that end in a token; they are masked in the log."""
        return self.needed_links - OPEN_LINKS


_RESELLER, _ACCOUNT, _CLIENT = Audience.RESELLER, Audience.ACCOUNT, Audience.CLIENT
_ALL = (
    MailKind("welcome-reseller", accounts.WelcomeReseller, _RESELLER),
    MailKind("activation", accounts.Activation, _ACCOUNT, frozenset({"activation"})),
    MailKind("account-notice", accounts.AccountNotice, _ACCOUNT),
    MailKind("address-changed", accounts.AddressChanged, _ACCOUNT),
    MailKind("account-connected", accounts.AccountConnected, _ACCOUNT),
    MailKind("account-disconnected", accounts.AccountDisconnected, _ACCOUNT),
    MailKind("account-deleted", accounts.AccountDeleted, _ACCOUNT),
    MailKind("account-restored", accounts.AccountRestored, _ACCOUNT),
    MailKind("merged", accounts.Merged, _RESELLER),
    MailKind("offer-received", offers.OfferReceived, _CLIENT, frozenset({"decision"})),
    MailKind("offer-withdrawn", offers.OfferWithdrawn, _CLIENT),
    MailKind("offer-accepted", offers.OfferDecided, _RESELLER),
    MailKind("offer-rejected", offers.OfferDecided, _RESELLER),
    MailKind("offer-expired", offers.OfferExpired, _RESELLER),
    MailKind("delivery-failed", offers.DeliveryFailed, _RESELLER),
    MailKind("licences-ending", offers.LicencesEnding, _CLIENT, cc_reseller=True, listed=True),
    MailKind("trial-started", usage.TrialStarted, _CLIENT),
    MailKind("trial-reminder", usage.TrialReminder, _CLIENT, listed=True),
    MailKind("trial-ended", usage.TrialEnded, _CLIENT),
    MailKind("quota-warning", usage.Quota, _CLIENT, cc_reseller=True),
    MailKind("quota-reached", usage.Quota, _CLIENT, cc_reseller=True),
    MailKind("quota-exceeded", usage.Quota, _CLIENT, cc_reseller=True),
    MailKind("quota-digest", usage.QuotaDigest, _RESELLER, listed=True),
    MailKind("tier-changed", money.TierChanged, _RESELLER),
    MailKind("tier-drop-tomorrow", money.TierDrop, _RESELLER),
    MailKind("statement", money.Statement, _RESELLER),
    MailKind("margin-note", money.MarginNote, _RESELLER),
    MailKind("operator-alert", operators.OperatorAlert, Audience.OPERATOR, frozenset({"console"})),
)
KINDS: Mapping[str, MailKind] = MappingProxyType({kind.name: kind for kind in _ALL})
