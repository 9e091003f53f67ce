"""Every mail there is: what it states, which links it carries, who reads it."""

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


class Audience(StrEnum):
    """Who a mail is To."""

    RESELLER = "reseller"
    ACCOUNT = "account"
    CLIENT = "client"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class MailKind:
    """One row of the table of mails. `listed` mails (reminders, digests) can be unsubscribed."""

    name: str
    facts: type[Facts]
    audience: Audience
    links: frozenset[str] = frozenset()
    cc_reseller: bool = False
    listed: bool = False

    @property
    def needed_links(self) -> frozenset[str]:
        """The links a mail of this kind cannot do without."""
        return self.links | {"unsubscribe"} if self.listed else self.links


R, A, C, O = Audience.RESELLER, Audience.ACCOUNT, Audience.CLIENT, Audience.OPERATOR
_ALL = (
    MailKind("welcome-reseller", accounts.WelcomeReseller, R),
    MailKind("activation", accounts.Activation, A, frozenset({"activation"})),
    MailKind("account-notice", accounts.AccountNotice, A),
    MailKind("address-changed", accounts.AddressChanged, A),
    MailKind("account-connected", accounts.AccountConnected, A),
    MailKind("account-disconnected", accounts.AccountDisconnected, A),
    MailKind("account-deleted", accounts.AccountDeleted, A),
    MailKind("account-restored", accounts.AccountRestored, A),
    MailKind("merged", accounts.Merged, R),
    MailKind("offer-received", offers.OfferReceived, C, frozenset({"decision"})),
    MailKind("offer-withdrawn", offers.OfferWithdrawn, C),
    MailKind("offer-accepted", offers.OfferDecided, R),
    MailKind("offer-rejected", offers.OfferDecided, R),
    MailKind("offer-expired", offers.OfferExpired, R),
    MailKind("delivery-failed", offers.DeliveryFailed, R),
    MailKind("licences-ending", offers.LicencesEnding, C, cc_reseller=True, listed=True),
    MailKind("trial-started", usage.TrialStarted, C),
    MailKind("trial-reminder", usage.TrialReminder, C, listed=True),
    MailKind("trial-ended", usage.TrialEnded, C),
    MailKind("quota-warning", usage.Quota, C, cc_reseller=True),
    MailKind("quota-reached", usage.Quota, C, cc_reseller=True),
    MailKind("quota-exceeded", usage.Quota, C, cc_reseller=True),
    MailKind("quota-digest", usage.QuotaDigest, R, listed=True),
    MailKind("tier-changed", money.TierChanged, R),
    MailKind("tier-drop-tomorrow", money.TierDrop, R),
    MailKind("statement", money.Statement, R),
    MailKind("margin-note", money.MarginNote, R),
    MailKind("operator-alert", operators.OperatorAlert, O, frozenset({"console"})),
)
KINDS: Mapping[str, MailKind] = MappingProxyType({kind.name: kind for kind in _ALL})
