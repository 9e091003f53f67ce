"""The reseller's services by state, one with its events, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from uuid import UUID

from kontor.account_book import service as account_book
from kontor.accounts import client_list
from kontor.http.visibility import ResponseView, Viewer
from kontor.kernel.errors import Conflict, Forbidden, Invalid, KontorError, NotFound
from kontor.kernel.ids import new_id
from kontor.kernel.money import Money
from kontor.kernel.states import ActionState, Renewal, ServiceState, ServiceVerb, SuspensionCause
from kontor.orders import service as orders
from kontor.programme.service import name_of
from kontor.provisioning import ordering, queries, renewals, service, verbs
from kontor.provisioning.client_portal import STATES, result_rows
from kontor.provisioning.queries import ServiceFilter
from kontor.provisioning.service import Request
from kontor.ui.pages import N
from kontor.ui.portal_errors import refused
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse, SeeOther
from models.accounts import Account
from models.services import Service, ServiceAction

SERVICES: Final = N("Services")
SERVICE: Final = N("Service")
RENEW: Final = N("Renew the service")
RETRY: Final = N("Try to make the service again")
TERMINATE: Final = N("End the service")
PAGE_SIZE: Final = 50
MOST_SHOWN: Final = 20
REFUSED: Final = N("The state of the service does not allow this now; nothing was changed.")
PROVIDER_ONLY: Final = N("The service was suspended by the provider, who alone can resume it.")
CAUSES: Final[Mapping[SuspensionCause, str]] = {
    SuspensionCause.OPERATOR: N("suspended by the provider"),
    SuspensionCause.RESELLER: N("suspended by you"),
    SuspensionCause.ACCOUNT: N("suspended with its account"),
    SuspensionCause.UNPAID: N("not paid"),
}
VERBS: Final[Mapping[ServiceVerb, str]] = {
    ServiceVerb.CREATE: N("Make"),
    ServiceVerb.RENEW: N("Renew"),
    ServiceVerb.SUSPEND: N("Suspend"),
    ServiceVerb.RESUME: N("Resume"),
    ServiceVerb.CHANGE: N("Change"),
    ServiceVerb.TERMINATE: N("End"),
}
ACTIONS: Final[Mapping[ActionState, str]] = {
    ActionState.WAITING: N("waits"),
    ActionState.RUNNING: N("under way"),
    ActionState.SUCCEEDED: N("done"),
    ActionState.FAILED: N("failed"),
    ActionState.CANCELLED: N("cancelled"),
}


@dataclass(frozen=True, slots=True)
class ClientService:
    """A service as the page of its client lists it."""

    id: UUID
    product: str
    state: str
    state_name: str
    paid_until: date | None


def show_services(request: PortalRequest) -> PortalResponse:
    """Show the reseller's services by state, newest first."""
    chosen = {name: request.incoming.param(name) or "" for name in ("state", "product", "account_id")}
    state = ServiceState(chosen["state"]) if chosen["state"] in list(ServiceState) else None
    client = _id(chosen["account_id"]) if chosen["account_id"] else None
    filters = ServiceFilter(request.person.account.id, client, state, chosen["product"] or None)
    page = queries.page(request.session, filters, request.incoming.param("cursor"), PAGE_SIZE)
    named = client_list.names(request.session, [row.account_id for row in page.items if row.account_id is not None])
    running = {action.service_id: action for action in queries.running_of(request.session, _ids(page.items))}
    rows = [
        (
            row,
            _product(request, row),
            named.get(row.account_id) if row.account_id else None,
            _under_way(running.get(row.id)),
        )
        for row in page.items
    ]
    values = {"rows": rows, "next": page.next, "states": STATES, "chosen": chosen}
    return PortalPage("services.html", SERVICES, values, page="partner.services")


def services_of(request: PortalRequest, client: Account) -> list[ClientService]:
    """Return the newest services of a client that have not ended."""
    programme = request.context.programme(request.session, request.person.account.programme)
    filters = ServiceFilter(request.person.account.id, client.id)
    page = queries.page(request.session, filters, None, MOST_SHOWN)
    return [
        ClientService(
            row.id,
            name_of(programme, row.product, request.locale),
            row.state,
            STATES[ServiceState(row.state)],
            row.paid_until,
        )
        for row in page.items
        if row.state != ServiceState.ENDED
    ]


def show_service(request: PortalRequest) -> PortalResponse:
    """Show one service. Raises NotFound."""
    return _page(request, _own(request))


def renew(request: PortalRequest) -> PortalResponse:
    """Show the price of another term; with `confirm` order it, once for its reference. Raises NotFound."""
    row, form = _own(request), request.incoming.form
    reference = form.get("order_ref", "")
    if form.get("confirm") == "1" and reference:
        return _act(request, row, "renewed", lambda: _renew(request, row, reference))
    try:
        quote = renewals.quote(request.context, request.session, row.id)
    except Invalid as error:
        return _refused(request, row, error)
    return _question(request, row, RENEW, "renew", quote.net, f"portal:{new_id()}")


def retry(request: PortalRequest) -> PortalResponse:
    """Show what another try costs; with `confirm` order it again. Raises NotFound."""
    row = _own(request)
    if request.incoming.form.get("confirm") == "1":
        asked = Request(ServiceVerb.CREATE, request.actor().name)
        return _act(request, row, "retried", lambda: ordering.retry(request.context, request.session, row.id, asked))
    price = orders.money_of(orders.get(request.session, row.order_id))
    return _question(request, row, RETRY, "retry", price)


def terminate(request: PortalRequest) -> PortalResponse:
    """Ask whether the service shall end; with `confirm` end it. Raises NotFound."""
    if request.incoming.form.get("confirm") == "1":
        return _ask(request, ServiceVerb.TERMINATE, "ended")
    return _question(request, _own(request), TERMINATE, "terminate", None)


def suspend(request: PortalRequest) -> PortalResponse:
    """Suspend the service. Raises NotFound."""
    return _ask(request, ServiceVerb.SUSPEND, "service-suspended")


def resume(request: PortalRequest) -> PortalResponse:
    """Resume what the reseller suspended. Raises NotFound."""
    return _ask(request, ServiceVerb.RESUME, "service-resumed")


def _renew(request: PortalRequest, row: Service, reference: str) -> Service:
    asked = Request(ServiceVerb.RENEW, request.actor().name)
    return renewals.renew(request.context, request.session, row.id, asked, reference)


def _ask(request: PortalRequest, verb: ServiceVerb, done: str) -> PortalResponse:
    row, by = _own(request), request.actor().name

    def ask() -> Service:
        return verbs.ask_by_hand(request.context, request.session, row.id, verb, by, None, SuspensionCause.RESELLER)

    return _act(request, row, done, ask)


def _act(request: PortalRequest, row: Service, done: str, act: Callable[[], Service]) -> PortalResponse:
    try:
        with request.session.begin_nested():
            act()
    except (Conflict, Invalid, Forbidden) as error:
        if isinstance(error, NotFound):
            raise
        return _refused(request, row, error)
    return SeeOther(f"/partner/services/{row.id}?done={done}")


def _refused(request: PortalRequest, row: Service, error: KontorError) -> PortalPage:
    """Return the service with why nothing was changed."""
    request.session.expire_all()
    page = refused(request, _page(request, row), error)
    if isinstance(error, Forbidden):
        return replace(page, notice=PROVIDER_ONLY)
    return replace(page, notice=REFUSED, errors={}) if error.code in ("illegal_transition", "unknown_product") else page


def _own(request: PortalRequest) -> Service:
    """Return a service of the reseller that is signed in. Raises NotFound."""
    row = service.get(request.session, request.incoming.uuid("service_id"))
    if row.reseller_id != request.person.account.id:
        raise NotFound
    return row


def _question(
    request: PortalRequest, row: Service, title: str, verb: str, price: Money | None, reference: str | None = None
) -> PortalPage:
    """Return the page that asks before a verb, with its price and the balance."""
    owner = request.person.account
    programme = request.context.programme(request.session, owner.programme)
    values = {
        "service": row,
        "product": _product(request, row),
        "client_name": _client_name(request, row),
        "verb": verb,
        "price": price,
        "available": account_book.available(request.session, owner.id, programme),
        "order_ref": reference,
        "button": title,
    }
    return PortalPage("service_confirm.html", title, values, page=f"partner.services.{verb}")


def _page(request: PortalRequest, row: Service) -> PortalPage:
    running = queries.running(request.session, row.id)
    view = ResponseView(Viewer.RESELLER, request.connection)
    actions = [
        (
            action,
            VERBS[ServiceVerb(action.verb)],
            ACTIONS[ActionState(action.state)],
            action.error and view.error(action.error),
        )
        for action in queries.actions_of(request.session, row.id)
    ]
    state = ServiceState(row.state)
    values = {
        "service": row,
        "product": _product(request, row),
        "client_name": _client_name(request, row),
        "state_name": STATES[state],
        "causes": [CAUSES[SuspensionCause(cause)] for cause in row.causes],
        "under_way": _under_way(running),
        "result": result_rows(row.result),
        "config": result_rows(row.config),
        "actions": actions,
        "events": [
            (event.at, STATES[ServiceState(event.to_state)]) for event in queries.events_of(request.session, [row.id])
        ],
        "orders": [(order, orders.money_of(order)) for order in orders.of_service(request.session, row.id)],
        "may": _offered(row),
    }
    return PortalPage("service.html", SERVICE, values, page="partner.services.show")


def _offered(row: Service) -> Sequence[str]:
    """Return the verbs whose buttons a service's state offers; whether they are taken, the service decides."""
    state, offered = ServiceState(row.state), []
    works = state in (ServiceState.ACTIVE, ServiceState.SUSPENDED)
    if works and row.term is not None and row.renewal != Renewal.NONE:
        offered.append("renew")
    if state is ServiceState.ACTIVE:
        offered.append("suspend")
    if SuspensionCause.RESELLER in row.causes:
        offered.append("resume")
    if state is ServiceState.FAILED:
        offered.append("retry")
    if works:
        offered.append("change")
    if works or state is ServiceState.FAILED:
        offered.append("terminate")
    return offered


def _under_way(action: ServiceAction | None) -> str | None:
    return None if action is None else VERBS[ServiceVerb(action.verb)]


def _product(request: PortalRequest, row: Service) -> str:
    return name_of(request.context.programme(request.session, row.programme), row.product, request.locale)


def _client_name(request: PortalRequest, row: Service) -> str | None:
    return None if row.account_id is None else client_list.names(request.session, [row.account_id]).get(row.account_id)


def _ids(rows: Sequence[Service]) -> list[UUID]:
    return [row.id for row in rows]


def _id(text: str) -> UUID:
    """Return an id that was typed; of what is none, one that nothing has."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)
