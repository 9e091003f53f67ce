"""Console pages of services: the list, and one service with its events and jobs."""

from collections.abc import Sequence
from typing import Final

from kontor.kernel.paging import Page
from kontor.kernel.states import ServiceState, ServiceVerb, SuspensionCause
from kontor.orders import service as orders
from kontor.provisioning import queries, service, verbs
from kontor.provisioning.queries import ServiceFilter
from kontor.ui import formatting
from kontor.ui.console_request import ConsoleRequest, TemplateResponse
from kontor.ui.listing import (
    ACCOUNT,
    FROM,
    RESELLER,
    TO,
    Cell,
    ListColumn,
    ListFilter,
    Listing,
    ListQuery,
    account_cell,
)
from models.services import Service, ServiceAction

BUTTONS: Final = {
    ServiceVerb.RENEW: "renew",
    ServiceVerb.SUSPEND: "suspend",
    ServiceVerb.RESUME: "resume",
    ServiceVerb.CREATE: "retry",
    ServiceVerb.TERMINATE: "terminate",
}
"""What an operator may ask of a service, and where."""


def _read(request: ConsoleRequest, query: ListQuery, cursor: str | None, limit: int) -> Page[Service]:
    filters = ServiceFilter(
        reseller_id=query.reseller_id,
        account_id=query.account_id,
        state=query.chosen("state", ServiceState),
        product=query.text("product"),
        external_id=query.text("external_id"),
        created=query.span,
    )
    return queries.page(request.session, filters, cursor, limit)


def _rows(request: ConsoleRequest, services: Sequence[Service]) -> Sequence[Sequence[Cell]]:
    ids = [str(each) for row in services for each in (row.account_id, row.reseller_id) if each is not None]
    names, shown = (
        formatting.named(request, ids),
        formatting.display_names(request, [row.programme for row in services]),
    )
    running = queries.running_of(request.session, [row.id for row in services])
    asked = {action.service_id: action for action in running}
    return [
        (
            Cell(
                f"{row.quantity:,} {shown[row.programme].product(row.product)}",
                f"/console/services/{row.id}",
                row.external_id or "",
            ),
            account_cell(names, row.account_id, "itself"),
            account_cell(names, row.reseller_id),
            Cell(row.state, state=True, note=", ".join(row.causes)),
            _under_way(asked.get(row.id)),
            Cell("" if row.paid_until is None else row.paid_until.isoformat()),
            Cell(at=row.created_at),
        )
        for row in services
    ]


def _under_way(action: ServiceAction | None) -> Cell:
    if action is None:
        return Cell()
    return Cell(action.verb, None if action.job_id is None else f"/console/jobs/{action.job_id}")


SERVICES: Final = Listing(
    "/console/services",
    "Services",
    "No service matches.",
    (
        ACCOUNT,
        RESELLER,
        ListFilter("state", "State", tuple(ServiceState)),
        ListFilter("product", "Product"),
        ListFilter("external_id", "External id"),
        FROM,
        TO,
    ),
    tuple(map(ListColumn, ("Service", "For", "Reseller", "State", "Under way", "Paid until", "Ordered"))),
    _read,
    _rows,
    lambda row: row.id,
    "services",
)


def show_service(request: ConsoleRequest) -> TemplateResponse:
    """Show one service with its events, what was asked of it, and its orders. Raises NotFound."""
    row = service.get(request.session, request.incoming.uuid("service_id"))
    values = {
        "service": row,
        "buttons": _buttons(row),
        "events": queries.events_of(request.session, [row.id]),
        "actions": queries.actions_of(request.session, row.id),
        "orders": orders.of_service(request.session, row.id),
        "names": formatting.named(request, [str(row.account_id), str(row.reseller_id)]),
    }
    return TemplateResponse("service.html", "Service", values, "services")


def ask(request: ConsoleRequest, reason: str | None, verb: ServiceVerb) -> str:
    """Ask a service to do something, in the operator's name. Raises NotFound, Conflict."""
    service_id = request.incoming.uuid("service_id")
    verbs.ask_by_hand(request.context, request.session, service_id, verb, request.actor(reason).name, reason)
    return f"/console/services/{service_id}?done=service-{verb.value}"


def _buttons(row: Service) -> list[tuple[str, str]]:
    """Return what may be asked of a service in its present state, as (path, verb) of its buttons."""
    offered = [verb for verb in BUTTONS if not service.refusal_of(row, verb, SuspensionCause.OPERATOR)]
    return [(BUTTONS[verb], verb.value) for verb in offered]
