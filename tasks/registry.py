"""The handlers of every task; workers alone import them."""

from dataclasses import dataclass

from kontor.context import Context
from kontor.engine.handlers import Handler
from kontor.kernel.ports import CallSender, Clock, MailTransport, SecretBox
from kontor.mailer.build import MailBuilder
from kontor.mails.dispatch import Dispatcher
from kontor.programme.service import Programmes
from tasks import discounts, fees
from tasks.accounts import AccountsTidyHandler, ResellersMergeHandler
from tasks.bulk import JobsBulkHandler, JobsPreviewHandler
from tasks.licences import (
    LicencesEndGrantsHandler,
    LicencesProvisionHandler,
    LicencesRemindHandler,
)
from tasks.mails import MailSendHandler
from tasks.maintenance import (
    AlertsDigestHandler,
    ConsoleRollupHandler,
    ProbeEchoHandler,
    ReconciliationCompareHandler,
    Sleep,
    UpkeepIdempotencyHandler,
    UpkeepRetentionHandler,
)
from tasks.offers import (
    OfferDeliverHandler,
    OfferExpireHandler,
    OfferWithdrawHandler,
)
from tasks.usage import (
    QuotasCheckHandler,
    QuotasDigestHandler,
    QuotasNotifyHandler,
    TrialsEndHandler,
    TrialsRemindHandler,
)
from tasks.webhooks import WebhooksDeliverHandler, WebhooksFanOutHandler


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerDeps:
    """Dependencies of handlers. `book` holds the same secret as the API's."""

    sleep: Sleep
    ctx: Context
    sender: CallSender
    secret_box: SecretBox
    clock: Clock
    dispatcher: Dispatcher
    builder: MailBuilder
    transport: MailTransport


def all_handlers(ports: HandlerDeps) -> list[Handler]:
    """Return the handler of every task; the last one dry-runs the others."""
    handlers = base_handlers(ports)
    return [*handlers, JobsPreviewHandler(handlers)]


def base_handlers(ports: HandlerDeps) -> list[Handler]:
    """Return the handlers that do not depend on other handlers."""
    return [
        ProbeEchoHandler(ports.sleep),
        *offer_handlers(ports.ctx, ports.sender, ports.secret_box, ports.clock),
        MailSendHandler(ports.dispatcher, ports.builder, ports.transport),
        AccountsTidyHandler(),
        UpkeepRetentionHandler(),
        JobsBulkHandler(),
        UpkeepIdempotencyHandler(),
        ConsoleRollupHandler(),
        AlertsDigestHandler(),
        ReconciliationCompareHandler(ports.ctx.programmes),
        *account_handlers(ports.ctx.programmes),
        *discounts.handlers(ports.ctx.programmes),
        *fees.handlers(ports.ctx.programmes),
    ]


def account_handlers(programmes: Programmes) -> list[Handler]:
    """Return the handlers of trials, quotas and reseller merges."""
    return [
        ResellersMergeHandler(programmes),
        TrialsEndHandler(programmes),
        TrialsRemindHandler(programmes),
        QuotasNotifyHandler(),
        QuotasDigestHandler(),
        QuotasCheckHandler(programmes),
    ]


def offer_handlers(ctx: Context, sender: CallSender, secret_box: SecretBox, clock: Clock) -> list[Handler]:
    """Return the handlers of offers, licences and webhooks."""
    deps = (ctx, sender, secret_box)
    return [
        OfferDeliverHandler(*deps),
        OfferWithdrawHandler(*deps),
        OfferExpireHandler(ctx),
        LicencesProvisionHandler(*deps),
        LicencesEndGrantsHandler(*deps),
        LicencesRemindHandler(ctx),
        WebhooksFanOutHandler(),
        WebhooksDeliverHandler(sender, secret_box, clock),
    ]
