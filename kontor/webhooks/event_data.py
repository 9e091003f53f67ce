"""The data of each type of event, as the OpenAPI document describes it.

A field without a default is in every event that a reseller or the provider gets; one with a default may be absent.
Who sees which field stands in kontor/http/visible_fields.py.
"""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from kontor.http.wire import MoneyOut, UtcOut
from kontor.kernel.states import ServiceState, Threshold


class EventData(BaseModel):
    """What an event says."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AccountEventData(EventData):
    """The account that it is about."""

    account_id: UUID


class NamedAccountEventData(AccountEventData):
    """The account that it is about, by name."""

    name: str


class AccountCreatedData(NamedAccountEventData):
    """An account was made."""

    kind: Literal["regular", "client", "reseller"]


class AccountUpdatedData(NamedAccountEventData):
    """Fields of an account have new values; the account's document has them."""

    changed: list[str] = Field(description="Names of the fields, as `PATCH /v1/accounts/{account_id}` has them.")


class AccountSuspensionData(NamedAccountEventData):
    """An account was suspended or resumed; `through`: by its reseller's suspension alone."""

    by: Literal["operator", "reseller"] = Field(description="Who suspended or resumed it.")
    through: bool = Field(description="Whether it followed the suspension of its reseller.")


class AccountMovedData(NamedAccountEventData):
    """A client was connected to a reseller, or disconnected."""

    reseller_id: UUID


class BecameResellerData(AccountEventData):
    """An account became a reseller."""

    terms_version: str | None


class AccountMergedData(NamedAccountEventData):
    """A reseller was merged into another; how many of its rows moved."""

    into: UUID
    into_name: str
    clients: int
    open_offers: int
    running_trials: int
    templates: int
    payments: int
    charges: int
    assignments: int
    paid_plans: int
    webhook_endpoints: int
    keys: int


class BrandChangedData(NamedAccountEventData):
    """The brand of an account was replaced; `changed` names the settings with new values."""

    changed: list[str]


class DomainEventData(AccountEventData):
    """The domain of a brand was verified or is lost."""

    domain: str
    method: Literal["dns", "provider"] | None = Field(description="How it was verified; null when it is lost.")
    by: str | None = None


class OfferLineData(EventData):
    """A line of an offer; `count` is the new total or, relative, what is added."""

    product: str
    count: int
    mode: Literal["absolute", "relative"]
    term: str


class OfferEventData(EventData):
    """An offer, as it is after the change."""

    offer_id: UUID
    programme: str
    reseller_id: UUID
    account_id: UUID
    state: str
    reason: str | None
    message: str | None
    lines: list[OfferLineData]
    expires_at: UtcOut


class LicenceTotalData(EventData):
    """The total of one product; null: without an end."""

    product: str
    count: int
    expires_at: UtcOut | None


class LicencesGrantedData(AccountEventData):
    """The totals of an account after an acceptance, or after grants ended."""

    reason: Literal["accepted", "ended"]
    licences: list[LicenceTotalData]
    as_of: UtcOut
    offer_id: UUID | None = None


class LicencesEndingData(NamedAccountEventData):
    """Licences end at the same instant, 14 days from now at most."""

    ends_at: UtcOut
    licences: list[LicenceTotalData]


class TrialStartedData(NamedAccountEventData):
    """A trial began."""

    ends_at: UtcOut


class TrialEndedData(NamedAccountEventData):
    """A trial is over."""

    outcome: Literal["converted", "expired"]
    ended_at: UtcOut


class DayRangeData(EventData):
    """Local days, end exclusive."""

    from_: date = Field(alias="from")
    to: date


class QuotaEventData(NamedAccountEventData):
    """A metric's value went over its limit."""

    metric: str
    value: int
    limit: int
    period: DayRangeData


class UsageThresholdData(QuotaEventData):
    """A metric's value reached the warning level or went over its limit."""

    threshold: Threshold


class DiscountChangedData(EventData):
    """A reseller's tier changed."""

    reseller_id: UUID
    as_of: date
    turnover: MoneyOut
    from_: str | None = Field(alias="from")
    to: str | None


class ChargeEventData(EventData):
    """A charge or a credit; without a reseller, the account pays itself."""

    id: UUID
    account_id: UUID
    reseller_id: UUID | None
    kind: Literal["plan", "product", "credit"]
    product: str
    period_start: date
    period_end: date
    fee: MoneyOut
    discount: MoneyOut
    total: MoneyOut
    void: bool
    credits: UUID | None = Field(None, description="The charge that a credit pays back.")
    reason: str | None = Field(None, description="Why it was voided.")


class SubscriptionChangedData(NamedAccountEventData):
    """The plan of an account, or what follows it, changed."""

    plan: str = Field(description="The plan in force now.")
    ends_on: date | None = Field(description="The day on which it ends; null: it goes on.")
    then: str | None = Field(description="The plan that follows on that day; null: the free plan, or none follows.")


class PaymentEventData(EventData):
    """A payment, refund or chargeback of a reseller was recorded; the amount is positive."""

    id: UUID
    reseller_id: UUID
    kind: Literal["payment", "refund", "chargeback"]
    amount: MoneyOut
    paid_at: UtcOut
    reference: str


class OrderEventData(EventData):
    """An order, as it is after the change."""

    order_id: UUID
    order_ref: str
    kind: str
    state: str
    product: str
    quantity: int
    net: MoneyOut
    account_id: UUID | None
    service_id: UUID | None
    external_id: str | None
    error: str | None = None


class ServiceEventData(EventData):
    """A service, as it is after the change."""

    state: ServiceState
    since: UtcOut | None
    paid_until: date | None
    result: JsonValue
    service_id: UUID
    reseller_id: UUID
    account_id: UUID | None
    order_id: UUID
    external_id: str | None
    product: str
    quantity: int
    error: str | None = None


class DeadJobData(EventData):
    """A job that failed for good."""

    job: UUID
    task: str
    tenant: str
    reason: str
    error: str


class EndedJobData(EventData):
    """A job of a declared type that succeeded, failed for good or was cancelled."""

    job: UUID
    task: str
    tenant: str
    account_id: UUID | None
    external_id: str | None
    error: str | None = None
