"""Console pages of services and orders: lists with filters, one service with its events and jobs."""

from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from kontor.accounts import service as accounts
from kontor.kernel.states import OrderState, ServiceState, ServiceVerb, SuspensionCause
from kontor.orders import service as orders
from kontor.orders.queries import OrderFilter
from kontor.provisioning import queries, service, verbs
from kontor.provisioning.queries import ServiceFilter
from kontor.ui import formatting
from kontor.ui.console_request import ConsoleRequest, TemplateResponse
from models.services import Service

LIMIT: Final = 50
BUTTONS: Final = {
    ServiceVerb.RENEW: "renew",
    ServiceVerb.SUSPEND: "suspend",
    ServiceVerb.RESUME: "resume",
    ServiceVerb.CREATE: "retry",
    ServiceVerb.TERMINATE: "terminate",
}
"""What an operator may ask of a service, and where."""


def show_services(request: ConsoleRequest) -> TemplateResponse:
    """List services, newest first, by state, product, reseller or the id of another system."""
    chosen = {name: request.incoming.param(name) or "" for name in ("state", "product", "external_id", "reseller")}
    filters = ServiceFilter(
        reseller_id=_uuid(chosen["reseller"]),
        state=ServiceState(chosen["state"]) if chosen["state"] in set(ServiceState) else None,
        product=chosen["product"] or None,
        external_id=chosen["external_id"] or None,
    )
    page = queries.page(request.session, filters, request.incoming.param("cursor") or None, LIMIT)
    ids = [str(each) for row in page.items for each in (row.account_id, row.reseller_id) if each is not None]
    values = {
        "rows": page.items,
        "running": {
            action.service_id: action for action in queries.running_of(request.session, [r.id for r in page.items])
        },
        "names": formatting.named(request, ids),
        "states": [state.value for state in ServiceState],
        "chosen": chosen,
        "next": _next("/console/services", chosen, page.next),
    }
    return TemplateResponse("services.html", "Services", values, "services")


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


def show_orders(request: ConsoleRequest) -> TemplateResponse:
    """List a reseller's orders, newest first. Raises NotFound."""
    reseller = accounts.get(request.session, request.incoming.uuid("reseller_id")).id
    chosen = {"state": request.incoming.param("state") or ""}
    state = OrderState(chosen["state"]) if chosen["state"] in set(OrderState) else None
    filters = OrderFilter(state)
    page = orders.page(request.session, reseller, filters, request.incoming.param("cursor") or None, LIMIT)
    values = {
        "rows": page.items,
        "reseller": reseller,
        "names": formatting.named(request, [str(reseller)]),
        "states": [state.value for state in OrderState],
        "chosen": chosen,
        "next": _next(f"/console/resellers/{reseller}/orders", chosen, page.next),
    }
    return TemplateResponse("orders.html", "Orders", values, "services")


def ask(request: ConsoleRequest, reason: str | None, verb: ServiceVerb) -> str:
    """Ask a service to do something, in the operator's name. Raises NotFound, Conflict."""
    service_id = request.incoming.uuid("service_id")
    verbs.ask_by_hand(request.context, request.session, service_id, verb, request.actor(reason).name, reason)
    return f"/console/services/{service_id}?done=service-{verb.value}"


def _buttons(row: Service) -> list[tuple[str, str]]:
    """Return what may be asked of a service in its present state, as (path, verb) of its buttons."""
    offered = [verb for verb in BUTTONS if not service.refusal_of(row, verb, SuspensionCause.OPERATOR)]
    return [(BUTTONS[verb], verb.value) for verb in offered]


def _uuid(text: str) -> UUID | None:
    """Return an id that was typed; of what is none, one that nothing has."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return UUID(int=0)


def _next(path: str, chosen: dict[str, str], cursor: str | None) -> str | None:
    return None if cursor is None else f"{path}?{urlencode({**chosen, 'cursor': cursor})}"
