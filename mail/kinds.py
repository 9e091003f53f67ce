"""Every mail there is: what it states, which links it carries, who reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from mail import facts_offers as offers
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


_ALL = (MailKind("offer-received", offers.OfferReceived, Audience.CLIENT, frozenset({"decision"})),)
KINDS: Mapping[str, MailKind] = MappingProxyType({kind.name: kind for kind in _ALL})
