"""Console pages of services and orders: lists with filters, one service with its events and jobs."""

from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from kontor.accounts import service as accounts
from kontor.kernel.states import OrderState, ServiceState
from kontor.orders import service as orders
from kontor.provisioning import queries, service
from kontor.provisioning.queries import ServiceFilter
from kontor.ui import formatting
from kontor.ui.console_request import ConsoleRequest, TemplateResponse

LIMIT: Final = 50


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
    page = orders.page(request.session, reseller, state, request.incoming.param("cursor") or None, LIMIT)
    values = {
        "rows": page.items,
        "reseller": reseller,
        "names": formatting.named(request, [str(reseller)]),
        "states": [state.value for state in OrderState],
        "chosen": chosen,
        "next": _next(f"/console/resellers/{reseller}/orders", chosen, page.next),
    }
    return TemplateResponse("orders.html", "Orders", values, "services")


def _uuid(text: str) -> UUID | None:
    """Return an id that was typed; of what is none, one that nothing has."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return UUID(int=0)


def _next(path: str, chosen: dict[str, str], cursor: str | None) -> str | None:
    return None if cursor is None else f"{path}?{urlencode({**chosen, 'cursor': cursor})}"
