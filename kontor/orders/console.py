"""Console pages of orders: the list, one order with what was paid back, and its cancellation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kontor.kernel.database import psycopg_connection
from kontor.kernel.errors import NotFound
from kontor.kernel.paging import Page
from kontor.kernel.states import OrderKind, OrderState
from kontor.orders import queries, service
from kontor.orders.queries import OrderFilter
from kontor.provisioning import ordering
from kontor.ui import formatting
from kontor.ui.console_request import ConsoleRequest, Redirect, TemplateResponse
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
    money_cell,
)
from kontor.ui.records import ConsoleRecord, RecordButton, RecordTable
from models.orders import OrderRow

BASE_PATH: Final = "/console/orders"
CANCEL: Final = RecordButton("Cancel", f"{BASE_PATH}/{{}}/cancel", grave=True)


def _read(request: ConsoleRequest, query: ListQuery, cursor: str | None, limit: int) -> Page[OrderRow]:
    filters = OrderFilter(
        query.chosen("state", OrderState),
        created=query.span,
        kind=query.chosen("kind", OrderKind),
        product=query.text("product"),
        account_id=query.account_id,
    )
    return service.page(request.session, query.reseller_id, filters, cursor, limit)


def _rows(request: ConsoleRequest, orders: Sequence[OrderRow]) -> Sequence[Sequence[Cell]]:
    ids = [str(each) for row in orders for each in (row.account_id, row.reseller_id) if each is not None]
    names, shown = formatting.named(request, ids), formatting.display_names(request, [row.programme for row in orders])
    return [
        (
            Cell(row.order_ref, f"{BASE_PATH}/{row.id}"),
            Cell(row.kind),
            Cell(f"{row.quantity:,} {shown[row.programme].product(row.product)}"),
            account_cell(names, row.account_id, "itself"),
            account_cell(names, row.reseller_id),
            Cell(row.state, state=True, error=row.error or ""),
            Cell(f"{row.percent.normalize():f} %"),
            money_cell(row.net, row.currency),
            Cell(at=row.created_at),
        )
        for row in orders
    ]


ORDERS: Final = Listing(
    BASE_PATH,
    "Orders",
    "No order matches.",
    (
        ACCOUNT,
        RESELLER,
        ListFilter("state", "State", tuple(OrderState)),
        ListFilter("kind", "Kind", tuple(OrderKind)),
        ListFilter("product", "Product"),
        FROM,
        TO,
    ),
    (
        *map(ListColumn, ("Reference", "Kind", "Product", "For", "Reseller", "State")),
        ListColumn("Discount", figure=True),
        ListColumn("Net", figure=True),
        ListColumn("Placed"),
    ),
    _read,
    _rows,
    lambda row: row.id,
)


def show_order(request: ConsoleRequest) -> TemplateResponse:
    """Show one order. Raises NotFound."""
    row = service.get(request.session, request.incoming.uuid("order_id"))
    names = formatting.named(request, [str(row.account_id), str(row.reseller_id)])
    entries = queries.entries_of(request.session, row.id)
    served = None if row.service_id is None else f"/console/services/{row.service_id}"
    what = formatting.display_names(request, [row.programme])[row.programme].product(row.product)
    facts = (
        ("Reference", Cell(row.order_ref)),
        ("Product", Cell(f"{row.quantity:,} {what}", served)),
        ("For", account_cell(names, row.account_id, "the reseller itself")),
        ("Reseller", account_cell(names, row.reseller_id)),
        ("List price", money_cell(row.list_price, row.currency)),
        ("Discount", Cell(f"{row.percent.normalize():f} %", note=row.tier or row.promotion or "")),
        ("Net", money_cell(row.net, row.currency)),
        ("Promo code", Cell(row.promo_code or "")),
        ("Term", Cell("" if row.term is None else formatting.term(row.term))),
        ("External id", Cell(row.external_id or "")),
        ("Placed", Cell(at=row.created_at)),
        ("Error", Cell("failed" if row.error else "", error=row.error or "")),
    )
    lines = [
        (
            Cell(at=entry.created_at),
            Cell(entry.kind),
            money_cell(entry.amount, entry.currency),
            Cell(entry.reason or ""),
        )
        for entry in entries
    ]
    columns = (ListColumn("When"), ListColumn("Kind"), ListColumn("Amount", figure=True), ListColumn("Reason"))
    buttons = (_cancel_button(row),) if row.state == OrderState.PENDING else ()
    table = RecordTable("Paid back and charged again", columns, lines)
    return ConsoleRecord(f"Order {row.order_ref}", row.id, row.state, facts, buttons, (table,)).page()


def _cancel_button(row: OrderRow) -> RecordButton:
    return RecordButton(CANCEL.label, CANCEL.path.format(row.id), CANCEL.grave)


def show_of_reseller(request: ConsoleRequest) -> Redirect:
    """Lead to the list of a reseller's orders. Raises NotFound."""
    reseller_id = request.incoming.uuid("reseller_id")
    if not formatting.account_names(psycopg_connection(request.session), [str(reseller_id)]):
        raise NotFound
    state = request.incoming.param("state")
    more = f"&state={state}" if state in set(OrderState) else ""
    return Redirect(f"{BASE_PATH}?reseller={reseller_id}{more}")


def cancel(request: ConsoleRequest, reason: str | None) -> str:
    """Cancel an order whose service is being made; it is paid back. Raises NotFound, Conflict."""
    order_id = request.incoming.uuid("order_id")
    ordering.cancel(request.context, request.session, order_id, request.actor(reason).name, reason)
    return f"{BASE_PATH}/{order_id}?done=order-cancel"


def at_stake(request: ConsoleRequest) -> Sequence[str]:
    """Say what a cancellation pays back. Raises NotFound."""
    row = service.get(request.session, request.incoming.uuid("order_id"))
    what = formatting.display_names(request, [row.programme])[row.programme].product(row.product)
    return [f"{row.quantity:,} {what}: {service.money_of(row)} is paid back to the reseller's balance."]
