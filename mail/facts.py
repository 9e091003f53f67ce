"""Base types of mail facts, validated when a mail is enqueued."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

from mail.plain import many_lines, one_line

Line = Annotated[str, AfterValidator(one_line)]
Text = Annotated[str, Field(max_length=4000), AfterValidator(many_lines)]
Count = Annotated[int, Field(ge=0)]
Instant = AwareDatetime
Day = date
Amount = Annotated[Decimal, PlainSerializer(str, when_used="json")]
Percent = Annotated[Decimal, Field(ge=0, le=100), PlainSerializer(str, when_used="json")]


class Facts(BaseModel):
    """Base of the facts of a mail: frozen, no unknown fields, no secrets (those are links)."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Money(Facts):
    """An amount and its ISO 4217 currency."""

    amount: Amount
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]


class OfferLine(Facts):
    """One line of an offer; `term` is an ISO 8601 duration or `YYYY-MM-DD`."""

    product: Line
    count: Count
    mode: Literal["absolute", "relative"]
    term: Annotated[str, Field(pattern=r"^(P(\d+[YMWD])+|\d{4}-\d{2}-\d{2})$")]


class Change(Facts):
    """Change of one product's count on acceptance."""

    product: Line
    now: Count
    then: Count


class AccountFacts(Facts):
    """Base of the facts of mails about one account; `account` is its name."""

    account: Line
