"""Every task of this deployment by its payload: what relay, scheduler, web and the command line need of tasks."""

from collections.abc import Iterator
from types import ModuleType
from typing import Final

from kontor.account_book import payloads as account_book
from kontor.accounts import payloads as accounts
from kontor.alerts import payloads as alerts
from kontor.bulk import payloads as bulk
from kontor.discounts import payloads as discounts
from kontor.engine import payloads as engine
from kontor.engine.catalogue import Catalogue, Payload
from kontor.fees import payloads as fees
from kontor.licences import payloads as licences
from kontor.mails import payloads as mails
from kontor.offers import payloads as offers
from kontor.operators import payloads as operators
from kontor.programme import payloads as programmes
from kontor.provisioning import payloads as services
from kontor.reconciliation import payloads as reconciliation
from kontor.usage import payloads as usage
from kontor.webhooks import payloads as webhooks
from tasks.packages import payloads_of as packages_payloads

MODULES: Final = (
    engine,
    offers,
    licences,
    webhooks,
    mails,
    accounts,
    bulk,
    alerts,
    reconciliation,
    operators,
    usage,
    discounts,
    fees,
    account_book,
    programmes,
    services,
)


def payloads_of(module: ModuleType) -> Iterator[type[Payload]]:
    """Yield the payloads that a module defines, in the order of their definition."""
    for member in vars(module).values():
        if isinstance(member, type) and issubclass(member, Payload) and member.__module__ == module.__name__:
            yield member


PAYLOADS: Final[tuple[type[Payload], ...]] = tuple(payload for module in MODULES for payload in payloads_of(module))


FAMILIES: Final = frozenset(payload.policy.name.partition(".")[0] for payload in PAYLOADS)
"""The first parts of the names of Kontor's own tasks."""


def catalogue(packages: tuple[str, ...] = (), *, simulated: bool = False) -> Catalogue:
    """Return every task, without the handlers; `packages`: installed ones with tasks. Raises Invalid."""
    return Catalogue((*PAYLOADS, *packages_payloads(packages, FAMILIES)), simulated=simulated)
