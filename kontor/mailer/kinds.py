"""What a kind of mail is: facts, readers, links and a sample."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

from kontor.mailer.formatting import many_lines, one_line

OPEN_LINKS = frozenset({"console", "security"})

Line = Annotated[str, AfterValidator(one_line)]
Text = Annotated[str, Field(max_length=4000), AfterValidator(many_lines)]
Count = Annotated[int, Field(ge=0)]
Instant = AwareDatetime
Day = date
Amount = Annotated[Decimal, PlainSerializer(str, when_used="json")]
Percent = Annotated[Decimal, Field(ge=0, le=100), PlainSerializer(str, when_used="json")]


class MailFacts(BaseModel):
    """Base of the facts of a mail: frozen, no unknown fields, no secrets (those are links)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def stored(self) -> dict[str, object]:
        """Return the facts as a mail keeps them, under the keys that workers of the release before read."""
        return self.model_dump(mode="json", by_alias=True)


class MoneyFact(MailFacts):
    """An amount and its ISO 4217 currency."""

    amount: Amount
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]


class AccountFacts(MailFacts):
    """Base of the facts of mails about one account; `account` is its name."""

    account: Line


class Audience(StrEnum):
    """Reader of a mail (its To address); a person is whoever signed in, an operator or somebody of an account."""

    RESELLER = "reseller"
    ACCOUNT = "account"
    CLIENT = "client"
    OPERATOR = "operator"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class MailKind:
    """One kind of mail. `listed` mails (reminders, digests) have an unsubscribe link.

    `sample`: facts for the gallery of the console and for tests.
    """

    name: str
    facts: type[MailFacts]
    audience: Audience
    links: frozenset[str] = frozenset()
    cc_reseller: bool = False
    listed: bool = False
    sample: Mapping[str, object] = field(default_factory=dict)

    @property
    def required_links(self) -> frozenset[str]:
        """Links that a mail of this kind requires."""
        return self.links | {"unsubscribe"} if self.listed else self.links

    @property
    def token_links(self) -> frozenset[str]:
        """Links that end in a token; they are masked in the log."""
        return self.required_links - OPEN_LINKS


SAMPLE_ACCOUNT = "Elbe Logistik"
SAMPLE_RESELLER = "Nordlicht Learning"
SENT, DECIDED, LATER = "2026-11-21T08:30:00Z", "2026-11-24T15:45:00Z", "2026-12-21T13:00:00Z"


def sample_of(**facts: object) -> Mapping[str, object]:
    """Return sample facts about the sample account."""
    return {"account": SAMPLE_ACCOUNT, **facts}


def sample_money(amount: str, currency: str = "EUR") -> Mapping[str, str]:
    """Return a sample amount."""
    return {"amount": amount, "currency": currency}
