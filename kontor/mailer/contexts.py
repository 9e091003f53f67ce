"""Template contexts of the mails about accounts, usage and operators."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

from kontor.kernel.states import AlertKind
from kontor.mailer.formatting import many_lines, one_line

__all__ = ["AlertFact", "AlertKind", "OperatorAlertFacts"]


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


class MoneyFact(MailFacts):
    """An amount and its ISO 4217 currency."""

    amount: Amount
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]


class OfferLineFact(MailFacts):
    """One line of an offer; `term` is an ISO 8601 duration or `YYYY-MM-DD`."""

    product: Line
    count: Count
    mode: Literal["absolute", "relative"]
    term: Annotated[str, Field(pattern=r"^(P(\d+[YMWD])+|\d{4}-\d{2}-\d{2})$")]


class CountChangeFact(MailFacts):
    """Change of one product's count on acceptance."""

    product: Line
    now: Count
    then: Count


class AccountFacts(MailFacts):
    """Base of the facts of mails about one account; `account` is its name."""

    account: Line


class WelcomeResellerFacts(AccountFacts):
    """`welcome-reseller`: `left` is the reseller whose client the account was, if any."""

    discount: Percent | None = None
    terms_version: Line = ""
    accepted_at: Instant
    left: Line = ""


class ActivationFacts(AccountFacts):
    """`activation`: link `activation`, valid until `expires_at`."""

    expires_at: Instant


class AccountNoticeFacts(AccountFacts):
    """`account-notice`: a new account for an address that is already registered."""


class AddressChangedFacts(AccountFacts):
    """`address-changed`: one mail to the old address and one to the new; `told`: which of the two."""

    old_address: Line
    new_address: Line
    told: Literal["old", "new"]
    changed_at: Instant


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
    """`merged`: to both resellers; `told`: which of the two."""

    merged: Line
    into: Line
    told: Literal["merged", "into"]
    clients: Count
    offers: Count
    tier_before: Line = ""
    tier_after: Line = ""
    merged_at: Instant


class AlertFact(MailFacts):
    """One incident with its count."""

    kind: AlertKind
    count: Count
    detail: Line = ""


class OperatorAlertFacts(MailFacts):
    """`operator-alert`: link `console`. `all_clear`: all these alerts are resolved."""

    alerts: tuple[AlertFact, ...]
    all_clear: bool = False


class TrialStartedFacts(AccountFacts):
    """`trial-started`: `metric` and `limit` are the free plan's; None: no limit."""

    ends_at: Instant
    metric: Line = ""
    limit: Count | None = None


class TrialReminderFacts(TrialStartedFacts):
    """`trial-reminder`: link `unsubscribe`."""

    days: Count


class TrialEndedFacts(AccountFacts):
    """`trial-ended`: `read_only` if usage exceeds the free plan's limit."""

    ended_at: Instant
    metric: Line = ""
    value: Count = 0
    limit: Count | None = None
    read_only: bool = False


class QuotaFacts(AccountFacts):
    """`quota-*`: `undeliverable_to` is the suppressed To address if only the reseller gets the mail."""

    metric: Line
    value: Count
    limit: Count
    percent: Count
    resets_on: Day | None = None
    read_only: bool = False
    undeliverable_to: Line = ""


class DigestLineFact(AccountFacts):
    """A quota mail of which the reseller got no copy."""

    threshold: Literal["warning", "reached", "exceeded"]
    metric: Line
    value: Count
    limit: Count


class QuotaDigestFacts(MailFacts):
    """`quota-digest`: the quota mails of one clock hour; link `unsubscribe`."""

    starts_at: Instant
    ends_at: Instant
    notices: tuple[DigestLineFact, ...]
