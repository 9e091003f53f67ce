"""Registry of all mails: facts, links and audience."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from kontor.mailer import contexts, trade_contexts
from kontor.mailer.contexts import MailFacts

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
    facts: type[MailFacts]
    audience: Audience
    links: frozenset[str] = frozenset()
    cc_reseller: bool = False
    listed: bool = False

    @property
    def required_links(self) -> frozenset[str]:
        """Links that a mail of this kind requires."""
        return self.links | {"unsubscribe"} if self.listed else self.links

    @property
    def token_links(self) -> frozenset[str]:
        """Links that end in a token; they are masked in the log."""
        return self.required_links - OPEN_LINKS


_RESELLER, _ACCOUNT, _CLIENT = Audience.RESELLER, Audience.ACCOUNT, Audience.CLIENT
_ALL = (
    MailKind("welcome-reseller", contexts.WelcomeResellerFacts, _RESELLER),
    MailKind("activation", contexts.ActivationFacts, _ACCOUNT, frozenset({"activation"})),
    MailKind("account-notice", contexts.AccountNoticeFacts, _ACCOUNT),
    MailKind("address-changed", contexts.AddressChangedFacts, _ACCOUNT),
    MailKind("account-connected", contexts.AccountConnectedFacts, _ACCOUNT),
    MailKind("account-disconnected", contexts.AccountDisconnectedFacts, _ACCOUNT),
    MailKind("account-deleted", contexts.AccountDeletedFacts, _ACCOUNT),
    MailKind("account-restored", contexts.AccountRestoredFacts, _ACCOUNT),
    MailKind("merged", contexts.MergedFacts, _RESELLER),
    MailKind("offer-received", trade_contexts.OfferReceivedFacts, _CLIENT, frozenset({"decision"})),
    MailKind("offer-withdrawn", trade_contexts.OfferWithdrawnFacts, _CLIENT),
    MailKind("offer-accepted", trade_contexts.OfferDecidedFacts, _RESELLER),
    MailKind("offer-rejected", trade_contexts.OfferDecidedFacts, _RESELLER),
    MailKind("offer-expired", trade_contexts.OfferExpiredFacts, _RESELLER),
    MailKind("delivery-failed", trade_contexts.DeliveryFailedFacts, _RESELLER),
    MailKind("licences-ending", trade_contexts.LicencesEndingFacts, _CLIENT, cc_reseller=True, listed=True),
    MailKind("trial-started", contexts.TrialStartedFacts, _CLIENT),
    MailKind("trial-reminder", contexts.TrialReminderFacts, _CLIENT, listed=True),
    MailKind("trial-ended", contexts.TrialEndedFacts, _CLIENT),
    MailKind("quota-warning", contexts.QuotaFacts, _CLIENT, cc_reseller=True),
    MailKind("quota-reached", contexts.QuotaFacts, _CLIENT, cc_reseller=True),
    MailKind("quota-exceeded", contexts.QuotaFacts, _CLIENT, cc_reseller=True),
    MailKind("quota-digest", contexts.QuotaDigestFacts, _RESELLER, listed=True),
    MailKind("tier-changed", trade_contexts.TierChangedFacts, _RESELLER),
    MailKind("tier-drop-tomorrow", trade_contexts.TierDropFacts, _RESELLER),
    MailKind("statement", trade_contexts.StatementFacts, _RESELLER),
    MailKind("margin-note", trade_contexts.MarginNoteFacts, _RESELLER),
    MailKind("operator-alert", contexts.OperatorAlertFacts, Audience.OPERATOR, frozenset({"console"})),
)
MAIL_KINDS: Mapping[str, MailKind] = MappingProxyType({kind.name: kind for kind in _ALL})
