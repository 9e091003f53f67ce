"""Every task of this deployment by its payload: what relay, scheduler, web and the command line need of tasks."""

from typing import Final

from kontor.accounts.payloads import AccountsTidy, ResellersMerge
from kontor.alerts.payloads import AlertsDigest
from kontor.bulk.payloads import JobsBulk, JobsPreview
from kontor.discounts.payloads import (
    DiscountsApply,
    DiscountsCompute,
    DiscountsNotify,
    DiscountsRecompute,
    DiscountsRun,
)
from kontor.engine.catalogue import Catalogue, Payload
from kontor.engine.payloads import ConsoleRollup, ProbeEcho, UpkeepIdempotency, UpkeepRetention
from kontor.fees.payloads import FeesCharge, FeesChargeRange, FeesStatement, FeesStatements
from kontor.licences.payloads import LicencesEndGrants, LicencesProvision, LicencesRemind
from kontor.mails.payloads import MailSend
from kontor.offers.payloads import OfferDeliver, OfferExpire, OfferWithdraw
from kontor.reconciliation.payloads import ReconciliationCompare
from kontor.usage.payloads import QuotasCheck, QuotasDigest, QuotasNotify, TrialsEnd, TrialsRemind
from kontor.webhooks.payloads import WebhooksDeliver, WebhooksFanOut

PAYLOADS: Final[tuple[type[Payload], ...]] = (
    ProbeEcho,
    OfferDeliver,
    OfferWithdraw,
    OfferExpire,
    LicencesProvision,
    LicencesEndGrants,
    LicencesRemind,
    WebhooksFanOut,
    WebhooksDeliver,
    MailSend,
    AccountsTidy,
    ResellersMerge,
    UpkeepRetention,
    JobsBulk,
    JobsPreview,
    ConsoleRollup,
    AlertsDigest,
    UpkeepIdempotency,
    ReconciliationCompare,
    TrialsEnd,
    TrialsRemind,
    QuotasNotify,
    QuotasDigest,
    QuotasCheck,
    DiscountsRecompute,
    DiscountsRun,
    DiscountsCompute,
    DiscountsApply,
    DiscountsNotify,
    FeesCharge,
    FeesChargeRange,
    FeesStatements,
    FeesStatement,
)


def catalogue() -> Catalogue:
    """Return every task, without the handlers."""
    return Catalogue(PAYLOADS)
