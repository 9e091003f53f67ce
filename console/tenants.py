"""Tenants by the names people know them by: most are accounts."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from console.visit import Visit
from engine.driver import driver
from store import foresight
from store.jobs_read import JobQuery


def named(visit: Visit, tenants: Iterable[str]) -> Mapping[str, str]:
    """The names of those tenants that are accounts."""
    return foresight.account_names(driver(visit.session), tenants)


def resolved(visit: Visit, query: JobQuery) -> JobQuery:
    """The query with an account's id where its name was typed; an id, or a name of nobody, stays."""
    if query.tenants is None:
        return query
    connection = driver(visit.session)
    return replace(query, tenants=tuple(foresight.account_called(connection, one) or one for one in query.tenants))
