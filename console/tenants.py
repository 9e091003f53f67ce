"""Names of tenants; most tenants are accounts."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from console.visit import ConsoleRequest
from engine.driver import driver
from store import foresight
from store.jobs_read import JobQuery


def named(request: ConsoleRequest, tenants: Iterable[str]) -> Mapping[str, str]:
    """Return the account names of those tenants that are accounts."""
    return foresight.account_names(driver(request.session), tenants)


def resolved(request: ConsoleRequest, query: JobQuery) -> JobQuery:
    """Replace tenant names by account ids in a query; ids and unknown names stay."""
    if query.tenants is None:
        return query
    connection = driver(request.session)
    return replace(query, tenants=tuple(foresight.account_called(connection, text) or text for text in query.tenants))
