"""The handlers of every task; workers alone import them."""

from typing import Final

from kontor.engine.handlers import Handler
from tasks import (
    accounts,
    bulk,
    discounts,
    fees,
    licences,
    mails,
    maintenance,
    offers,
    programmes,
    services,
    task_types,
    usage,
    webhooks,
)
from tasks.deps import HandlerDeps
from tasks.schedules import recorded

FAMILIES: Final = (
    maintenance.handlers,
    offers.handlers,
    licences.handlers,
    webhooks.handlers,
    mails.handlers,
    accounts.handlers,
    bulk.handlers,
    usage.handlers,
    discounts.handlers,
    fees.handlers,
    programmes.handlers,
    services.handlers,
)


def all_handlers(deps: HandlerDeps) -> list[Handler]:
    """Return the handler of every task; one dry-runs the others, one runs declared push types."""
    handlers = [handler for handlers_of in FAMILIES for handler in handlers_of(deps)]
    return [*map(recorded, handlers), bulk.JobsPreviewHandler(handlers), *task_types.handlers(deps)]
