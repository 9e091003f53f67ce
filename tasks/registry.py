"""The handlers of every task; workers alone import them."""

from typing import Final

from kontor.engine.handlers import Handler
from tasks import accounts, bulk, discounts, fees, licences, mails, maintenance, offers, usage, webhooks
from tasks.deps import HandlerDeps

FAMILIES: Final = (maintenance, offers, licences, webhooks, mails, accounts, bulk, usage, discounts, fees)


def all_handlers(deps: HandlerDeps) -> list[Handler]:
    """Return the handler of every task; the last one dry-runs the others."""
    handlers = [handler for family in FAMILIES for handler in family.handlers(deps)]
    return [*handlers, bulk.JobsPreviewHandler(handlers)]
