"""A client's services as its own page shows them, without a price; what both sides of the portal say of a service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from pydantic import JsonValue

from kontor.kernel.states import ServiceState
from kontor.programme.service import name_of
from kontor.provisioning import queries
from kontor.provisioning.queries import ServiceFilter
from kontor.ui.pages import N
from kontor.ui.portal_request import PortalRequest

MOST_SHOWN: Final = 50
STATES: Final[Mapping[ServiceState, str]] = {
    ServiceState.PENDING: N("Being made"),
    ServiceState.ACTIVE: N("Active"),
    ServiceState.FAILED: N("Failed"),
    ServiceState.SUSPENDED: N("Suspended"),
    ServiceState.ENDED: N("Ended"),
}


@dataclass(frozen=True, slots=True)
class OwnService:
    """A service as its client sees it, without a price. `result`: what its handler answered, by name."""

    product: str
    state: str
    state_name: str
    since: datetime | None
    paid_until: date | None
    result: Sequence[tuple[str, str]]


def own_services(request: PortalRequest) -> list[OwnService]:
    """Return the services of the account; for its reseller inside those of that reseller alone."""
    reseller = None if request.client is None else request.person.account.id
    filters = ServiceFilter(reseller_id=reseller, account_id=request.account.id)
    page = queries.page(request.session, filters, None, MOST_SHOWN)
    programme = request.context.programme(request.session, request.account.programme)
    return [
        OwnService(
            name_of(programme, row.product, request.locale),
            row.state,
            STATES[ServiceState(row.state)],
            row.since,
            row.paid_until,
            result_rows(row.result),
        )
        for row in page.items
        if row.state != ServiceState.ENDED
    ]


def result_rows(result: JsonValue) -> list[tuple[str, str]]:
    """Return what a handler answered as rows of name and text; values that are no texts or numbers are left out."""
    if not isinstance(result, dict):
        return []
    return [(key, str(value)) for key, value in result.items() if isinstance(value, str | int | float)]
