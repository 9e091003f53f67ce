"""Console pages of webhook endpoints: the list, one endpoint with its deliveries, delivering again, a test."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from kontor.kernel.paging import Page
from kontor.ui import formatting, texts
from kontor.ui.console_request import ConsoleRequest, TemplateResponse
from kontor.ui.listing import FROM, RESELLER, TO, Cell, ListColumn, ListFilter, Listing, ListQuery, account_cell
from kontor.ui.records import ConsoleRecord, RecordButton, RecordTable
from kontor.webhooks import service
from models.webhooks import WebhookDelivery, WebhookEndpoint

BASE_PATH: Final = "/console/endpoints"
SHOWN: Final = 50


class EndpointState(StrEnum):
    """Whether an endpoint gets deliveries."""

    ACTIVE = "active"
    DISABLED = "disabled"


def _state(endpoint: WebhookEndpoint) -> str:
    return EndpointState.ACTIVE if endpoint.disabled_at is None else EndpointState.DISABLED


def _read(request: ConsoleRequest, query: ListQuery, cursor: str | None, limit: int) -> Page[WebhookEndpoint]:
    state = query.chosen("state", EndpointState)
    disabled = None if state is None else state is EndpointState.DISABLED
    return service.list_endpoints(
        request.session,
        reseller_id=query.reseller_id,
        cursor=cursor,
        limit=limit,
        disabled=disabled,
        created=query.span,
    )


def _rows(request: ConsoleRequest, endpoints: Sequence[WebhookEndpoint]) -> Sequence[Sequence[Cell]]:
    names = formatting.named(request, [str(row.reseller_id) for row in endpoints if row.reseller_id is not None])
    return [
        (
            Cell(row.url, f"{BASE_PATH}/{row.id}"),
            account_cell(names, row.reseller_id, texts.PROVIDER),
            Cell(", ".join(row.events)),
            Cell(_state(row), state=True, note=row.disabled_reason or ""),
            Cell(at=row.created_at),
        )
        for row in endpoints
    ]


ENDPOINTS: Final = Listing(
    BASE_PATH,
    "Webhook endpoints",
    "No endpoint matches.",
    (RESELLER, ListFilter("state", "State", tuple(EndpointState)), FROM, TO),
    tuple(map(ListColumn, ("Address", "Owner", "Events", "State", "Made"))),
    _read,
    _rows,
    lambda row: row.id,
)


def show_endpoint(request: ConsoleRequest) -> TemplateResponse:
    """Show one endpoint with its last deliveries. Raises NotFound."""
    row = service.get(request.session, request.incoming.uuid("endpoint_id"))
    names = formatting.named(request, [str(row.reseller_id)])
    deliveries = service.deliveries(request.session, row.id, limit=SHOWN).items
    facts = (
        ("Owner", account_cell(names, row.reseller_id, texts.PROVIDER)),
        ("Events", Cell(", ".join(row.events))),
        ("Made", Cell(at=row.created_at)),
        ("Disabled", Cell(at=row.disabled_at, error=row.disabled_reason or "")),
    )
    columns = (
        *map(ListColumn, ("Event", "State")),
        ListColumn("Tries", figure=True),
        *map(ListColumn, ("Made", "Delivered", "Job")),
    )
    table = RecordTable("Last deliveries", columns, [_delivery(each) for each in deliveries])
    again = RecordButton("Deliver again", f"{BASE_PATH}/{row.id}/replay")
    test = RecordButton("Send a test", f"{BASE_PATH}/{row.id}/test")
    buttons = (again, test) if row.disabled_at is None else (again,)
    return ConsoleRecord(row.url, row.id, _state(row), facts, buttons, (table,)).page()


def _delivery(row: WebhookDelivery) -> Sequence[Cell]:
    job = Cell() if row.job_id is None else Cell("job", f"/console/jobs/{row.job_id}")
    return (
        Cell(row.type),
        Cell(row.state, state=True, error=row.last_error or ""),
        Cell(f"{row.tries:,}"),
        Cell(at=row.created_at),
        Cell(at=row.delivered_at),
        job,
    )


def replay(request: ConsoleRequest, _reason: str | None) -> str:
    """Deliver again what failed, which enables the endpoint. Raises NotFound."""
    endpoint_id = request.incoming.uuid("endpoint_id")
    service.replay(request.session, request.jobs, endpoint_id)
    return f"{BASE_PATH}/{endpoint_id}?done=replay"


def send_test(request: ConsoleRequest, _reason: str | None) -> str:
    """Send `webhook.test`. Raises NotFound, Conflict."""
    endpoint_id = request.incoming.uuid("endpoint_id")
    service.send_test(request.session, request.jobs, endpoint_id)
    return f"{BASE_PATH}/{endpoint_id}?done=endpoint-test"
