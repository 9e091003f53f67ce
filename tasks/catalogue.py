"""Every task of Kontor: register payloads and handlers here."""

from dataclasses import dataclass

from domain.calling import CallSender
from domain.mailing import MailTransport
from domain.ports import Clock, Sealer
from engine.catalogue import Catalogue, Payload
from engine.handlers import Handler
from mail.build import MailBuilder
from services.dispatch import Dispatcher
from services.offer_log import OfferBook
from services.programmes import Programmes
from tasks import discounts, fees
from tasks.accounts import AccountsTidy, AccountsTidyHandler
from tasks.alerts import AlertsDigest, AlertsDigestHandler
from tasks.bulk import JobsBulk, JobsBulkHandler, JobsForesee, JobsForeseeHandler
from tasks.idempotency import UpkeepIdempotency, UpkeepIdempotencyHandler
from tasks.licences import (
    LicencesEndGrants,
    LicencesEndGrantsHandler,
    LicencesProvision,
    LicencesProvisionHandler,
    LicencesRemind,
    LicencesRemindHandler,
)
from tasks.mails import MailSending, SendMail
from tasks.merging import ResellersMerge, ResellersMergeHandler
from tasks.offers import (
    OfferDeliver,
    OfferDeliverHandler,
    OfferExpire,
    OfferExpireHandler,
    OfferWithdraw,
    OfferWithdrawHandler,
)
from tasks.probe import ProbeEcho, ProbeEchoHandler, Sleep
from tasks.quotas import (
    QuotasDigest,
    QuotasDigestHandler,
    QuotasJudge,
    QuotasJudgeHandler,
    QuotasTell,
    QuotasTellHandler,
)
from tasks.reconciliation import ReconciliationCompare, ReconciliationCompareHandler
from tasks.rollups import ConsoleRollup, ConsoleRollupHandler
from tasks.trials import TrialsEnd, TrialsEndHandler, TrialsRemind, TrialsRemindHandler
from tasks.upkeep import UpkeepRetention, UpkeepRetentionHandler
from tasks.webhooks import (
    WebhooksDeliver,
    WebhooksDeliverHandler,
    WebhooksFanOut,
    WebhooksFanOutHandler,
)

PAYLOADS: tuple[type[Payload], ...] = (
    ProbeEcho,
    OfferDeliver,
    OfferWithdraw,
    OfferExpire,
    LicencesProvision,
    LicencesEndGrants,
    LicencesRemind,
    WebhooksFanOut,
    WebhooksDeliver,
    SendMail,
    AccountsTidy,
    ResellersMerge,
    UpkeepRetention,
    JobsBulk,
    JobsForesee,
    ConsoleRollup,
    AlertsDigest,
    UpkeepIdempotency,
    ReconciliationCompare,
    TrialsEnd,
    TrialsRemind,
    QuotasTell,
    QuotasDigest,
    QuotasJudge,
    *discounts.PAYLOADS,
    *fees.PAYLOADS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Dependencies of handlers. `book` holds the same secret as the API's."""

    sleep: Sleep
    book: OfferBook
    sender: CallSender
    sealer: Sealer
    clock: Clock
    dispatcher: Dispatcher
    builder: MailBuilder
    transport: MailTransport


def catalogue() -> Catalogue:
    """Return every task, without the handlers."""
    return Catalogue(PAYLOADS)


def all_handlers(ports: Ports) -> list[Handler]:
    """Return the handler of every task; the last one dry-runs the others."""
    handlers = plain_handlers(ports)
    return [*handlers, JobsForeseeHandler(handlers)]


def plain_handlers(ports: Ports) -> list[Handler]:
    """Return the handlers that do not depend on other handlers."""
    return [
        ProbeEchoHandler(ports.sleep),
        *offer_handlers(ports.book, ports.sender, ports.sealer, ports.clock),
        MailSending(ports.dispatcher, ports.builder, ports.transport),
        AccountsTidyHandler(),
        UpkeepRetentionHandler(),
        JobsBulkHandler(),
        UpkeepIdempotencyHandler(),
        ConsoleRollupHandler(),
        AlertsDigestHandler(),
        ReconciliationCompareHandler(ports.book.programmes),
        *account_handlers(ports.book.programmes),
        *discounts.handlers(ports.book.programmes),
        *fees.handlers(ports.book.programmes),
    ]


def account_handlers(programmes: Programmes) -> list[Handler]:
    """Return the handlers of trials, quotas and reseller merges."""
    return [
        ResellersMergeHandler(programmes),
        TrialsEndHandler(programmes),
        TrialsRemindHandler(programmes),
        QuotasTellHandler(),
        QuotasDigestHandler(),
        QuotasJudgeHandler(programmes),
    ]


def offer_handlers(ctx: OfferBook, sender: CallSender, sealer: Sealer, clock: Clock) -> list[Handler]:
    """Return the handlers of offers, licences and webhooks."""
    deps = (ctx, sender, sealer)
    return [
        OfferDeliverHandler(*deps),
        OfferWithdrawHandler(*deps),
        OfferExpireHandler(ctx),
        LicencesProvisionHandler(*deps),
        LicencesEndGrantsHandler(*deps),
        LicencesRemindHandler(ctx),
        WebhooksFanOutHandler(),
        WebhooksDeliverHandler(sender, sealer, clock),
    ]
