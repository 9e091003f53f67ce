"""Every type of event: what its data is, and when it is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from kontor.webhooks import event_data as data
from kontor.webhooks.event_data import EventData


class EventType(NamedTuple):
    """The model of an event's data, and the sentence that says when it is written."""

    data: type[EventData]
    when: str


EVENTS: Final[Mapping[str, EventType]] = {
    "account.created": EventType(data.AccountCreatedData, "An account was made."),
    "account.updated": EventType(data.AccountUpdatedData, "Fields of an account have new values."),
    "account.activated": EventType(data.AccountEventData, "The owner of an account set a password for the first time."),
    "account.suspended": EventType(data.AccountSuspensionData, "An account was suspended, alone or with its reseller."),
    "account.resumed": EventType(data.AccountSuspensionData, "The suspension of an account was lifted."),
    "account.connected": EventType(data.AccountMovedData, "An account became a client of a reseller."),
    "account.disconnected": EventType(data.AccountMovedData, "A client became a regular account."),
    "account.became_reseller": EventType(data.BecameResellerData, "An account became a reseller."),
    "account.reverted": EventType(data.AccountEventData, "A reseller became a regular account again."),
    "account.merged": EventType(data.AccountMergedData, "A reseller was merged into another."),
    "account.deleted": EventType(data.NamedAccountEventData, "An account was deleted; it can be restored for 30 days."),
    "account.restored": EventType(data.NamedAccountEventData, "A deleted account was restored."),
    "account.purged": EventType(data.AccountEventData, "A deleted account was erased for good."),
    "brand.changed": EventType(data.BrandChangedData, "The brand of an account has other settings."),
    "domain.verified": EventType(data.DomainEventData, "The domain of a brand was verified."),
    "domain.lost": EventType(data.DomainEventData, "The verification of a domain ended."),
    "trial.started": EventType(data.TrialStartedData, "A trial began."),
    "trial.ended": EventType(data.TrialEndedData, "A trial ended, by time or by a paid plan."),
    "subscription.changed": EventType(
        data.SubscriptionChangedData, "An account has another plan, or its plan ends or goes on."
    ),
    "usage.threshold": EventType(
        data.UsageThresholdData, "Usage reached the warning level, reached or exceeded a limit; once per period."
    ),
    "quota.exceeded": EventType(data.QuotaEventData, "Usage exceeded a limit; once per period."),
    "offer.delivered": EventType(data.OfferEventData, "The instance of the customer has an offer."),
    "offer.withdrawn": EventType(data.OfferEventData, "The instance of the customer took an offer back."),
    "offer.accepted": EventType(data.OfferEventData, "The customer accepted an offer."),
    "offer.rejected": EventType(data.OfferEventData, "The customer rejected an offer."),
    "offer.cancelled": EventType(data.OfferEventData, "An offer was withdrawn, has expired or has no account."),
    "licences.granted": EventType(data.LicencesGrantedData, "The instance of the customer has the new totals."),
    "licences.ending": EventType(data.LicencesEndingData, "Licences of an account end within 14 days."),
    "discount.changed": EventType(data.DiscountChangedData, "A reseller has another tier."),
    "payment.recorded": EventType(data.PaymentEventData, "A payment of a reseller was recorded."),
    "payment.refunded": EventType(data.PaymentEventData, "A refund or chargeback of a reseller was recorded."),
    "charge.created": EventType(data.ChargeEventData, "A fee was charged, or a credit was made."),
    "charge.credited": EventType(data.ChargeEventData, "A credit pays a part of a charge back."),
    "charge.voided": EventType(data.ChargeEventData, "A charge or a credit was voided."),
    "order.placed": EventType(data.OrderEventData, "An order was placed and charged."),
    "order.cancelled": EventType(data.OrderEventData, "An order was cancelled; it is credited."),
    "order.failed": EventType(data.OrderEventData, "An order could not be carried out; it is credited."),
    "service.active": EventType(data.ServiceEventData, "A service was made."),
    "service.failed": EventType(data.ServiceEventData, "A service could not be made."),
    "service.suspended": EventType(data.ServiceEventData, "A service was suspended."),
    "service.resumed": EventType(data.ServiceEventData, "A suspended service works again."),
    "service.changed": EventType(data.ServiceEventData, "The quantity or the config of a service was changed."),
    "service.renewed": EventType(data.ServiceEventData, "A service is paid until a later day."),
    "service.ended": EventType(data.ServiceEventData, "A service ended."),
    "job.dead": EventType(data.DeadJobData, "A job failed for good."),
    "job.succeeded": EventType(data.EndedJobData, "A job of a declared type succeeded."),
    "job.failed": EventType(data.EndedJobData, "A job of a declared type failed for good."),
    "job.cancelled": EventType(data.EndedJobData, "A job of a declared type was cancelled."),
}
