"""The reseller's orders: the list, and a new one, whose price and balance are shown before it is placed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from kontor.account_book import service as account_book
from kontor.accounts import client_list
from kontor.accounts.client_choice import ClientChoice, chosen_client, client_choice
from kontor.kernel.errors import Conflict, Invalid, KontorError, NotFound
from kontor.kernel.ids import new_id
from kontor.kernel.money import Money
from kontor.kernel.states import OrderKind, OrderState
from kontor.mailer.formatting import language_of
from kontor.orders import service
from kontor.orders.config_form import PREFIX, config_of, fields_of
from kontor.orders.queries import OrderFilter
from kontor.programme import service as programme_service
from kontor.programme.model import Product, Programme
from kontor.provisioning import ordering
from kontor.provisioning.ordering import NewOrder, PlacedOrder
from kontor.ui.pages import N
from kontor.ui.portal_errors import FIELDS, REQUIRED, refused
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse, SeeOther
from models.orders import OrderRow

ORDERS: Final = N("Orders")
NEW: Final = N("New order")
PAGE_SIZE: Final = 50
CHANGED: Final = N("The price has changed meanwhile; nothing was ordered yet. Please look at it again.")
CANCEL_REFUSED: Final = N("Only an order whose service is still being made can be cancelled.")
STATES: Final[Mapping[OrderState, str]] = {
    OrderState.PENDING: N("Being made"),
    OrderState.COMPLETED: N("Completed"),
    OrderState.FAILED: N("Failed, paid back"),
    OrderState.CANCELLED: N("Cancelled, paid back"),
}
KINDS: Final[Mapping[OrderKind, str]] = {
    OrderKind.NEW: N("New service"),
    OrderKind.RENEWAL: N("Renewal"),
    OrderKind.CHANGE: N("Change"),
}


class PriceChanged(Exception):
    """An order costs something else than its buyer saw; it is taken back."""


@dataclass(frozen=True, slots=True)
class OrderQuote:
    """The price of an order that was not placed yet. `reference`: by which it is placed once."""

    order: OrderRow
    reference: str
    missing: Money | None

    @property
    def net(self) -> Money:
        """What it costs."""
        return service.money_of(self.order)

    @property
    def amount(self) -> str:
        """What it costs, as decimals of the currency, for the form to bring back."""
        return _amount(self.order)

    @property
    def list_price(self) -> Money:
        """What it would cost without a discount."""
        return Money(self.order.list_price, self.order.currency)


def show_orders(request: PortalRequest) -> PortalResponse:
    """Show the reseller's orders, newest first."""
    return _orders(request)


def show_new(request: PortalRequest) -> PortalResponse:
    """Show the form of a new order."""
    return _form(request, None)


def order(request: PortalRequest) -> PortalResponse:
    """Show the price of an order; with `confirm` place it, once for its reference. Raises NotFound."""
    form = request.incoming.form
    confirmed = form.get("confirm") == "1" and bool(form.get("order_ref"))
    client = chosen_client(request, form["account_id"]) if form.get("account_id") else None
    new = _new_order(request, None if client is None else client.id, confirmed=confirmed)
    try:
        with request.session.begin_nested():
            placed = ordering.place(
                request.context, request.session, request.person.account.id, new, request.actor().name
            )
            if confirmed:
                _require_price(placed, form.get("net", ""))
    except PriceChanged:
        again = _quote(request, replace(new, dry_run=True))
        return replace(_form(request, again), notice=CHANGED, status=409)
    except (Conflict, Invalid) as error:
        return _refused(request, error)
    if confirmed:
        return SeeOther(f"/partner/services/{placed.order.service_id}?done=ordered")
    return _form(request, OrderQuote(placed.order, new.order_ref, placed.missing))


def cancel(request: PortalRequest) -> PortalResponse:
    """Cancel an order while its service is made; it is paid back. Raises NotFound."""
    row = service.get(request.session, request.incoming.uuid("order_id"))
    if row.reseller_id != request.person.account.id:
        raise NotFound
    try:
        with request.session.begin_nested():
            ordering.cancel(request.context, request.session, row.id, request.actor().name)
    except Conflict as error:
        return replace(refused(request, _orders(request), error), notice=CANCEL_REFUSED)
    return SeeOther("/partner/orders?done=order-cancelled")


def _new_order(request: PortalRequest, account_id: UUID | None, *, confirmed: bool) -> NewOrder:
    form = request.incoming.form
    product = _products(request).get(form.get("product", ""))
    config = config_of(None if product is None else product.provisioning.config, form)
    return NewOrder(
        product=form.get("product", ""),
        order_ref=form["order_ref"] if confirmed else f"portal:{new_id()}",
        quantity=_quantity(form.get("quantity", "")),
        promo_code=form.get("promo_code") or None,
        dry_run=not confirmed,
        account_id=account_id,
        term=form.get("term") or None,
        config=config or None,
    )


def _quantity(text: str) -> int:
    """Return a quantity as typed, 1 if empty, 0, which is refused, for what is none."""
    typed = text.strip()
    return 1 if not typed else int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0


def _require_price(placed: PlacedOrder, seen: str) -> None:
    """Raise PriceChanged when a new order costs something else than its buyer saw."""
    if placed.created and seen and seen != _amount(placed.order):
        raise PriceChanged


def _amount(order: OrderRow) -> str:
    """Return what an order costs, as decimals of its currency."""
    return str(service.money_of(order).to_document()["amount"])


def _quote(request: PortalRequest, new: NewOrder) -> OrderQuote:
    """Price an order under a reference of its own."""
    fresh = replace(new, order_ref=f"portal:{new_id()}")
    placed = ordering.place(request.context, request.session, request.person.account.id, fresh)
    return OrderQuote(placed.order, fresh.order_ref, placed.missing)


def _programme(request: PortalRequest) -> Programme:
    return request.context.programme(request.session, request.person.account.programme)


def _products(request: PortalRequest) -> Mapping[str, Product]:
    """Return the products that the reseller may order."""
    visible = programme_service.visible(_programme(request), request.person.account)
    return {code: product for code, product in visible.items() if product.price is not None}


def _form(request: PortalRequest, quote: OrderQuote | None) -> PortalPage:
    form, products, locale = request.incoming.form, _products(request), language_of(request.locale)
    programme, owner = _programme(request), request.person.account
    named = sorted(
        ((code, each.name_in(locale)) for code, each in products.items()), key=lambda each: each[1].casefold()
    )
    code = form.get("product") or request.incoming.param("product") or (named[0][0] if named else "")
    product = products.get(code)
    choice = client_choice(request)
    values: dict[str, object] = {
        "products": named,
        "product": code,
        "fields": fields_of(None if product is None else product.provisioning.config),
        "terms": () if product is None else product.provisioning.terms(),
        "choice": choice,
        "quote": quote,
        "product_name": dict(named).get(code, code),
        "client_name": _client_name(choice),
        "available": account_book.available(request.session, owner.id, programme),
        "carried": _carried(form),
    }
    return PortalPage("order_new.html", NEW, values, typed=form, page="partner.orders.new")


def _client_name(choice: ClientChoice) -> str | None:
    return next((each.name for each in choice.clients if each.id == choice.chosen), None)


def _carried(form: Mapping[str, str]) -> Mapping[str, str]:
    """Return what the button that orders sends again."""
    kept = ("product", "account_id", "quantity", "promo_code", "term")
    return {name: text for name, text in form.items() if name in kept or name.startswith(PREFIX)}


def _refused(request: PortalRequest, error: KontorError) -> PortalPage:
    """Return the form with what is wrong beside its field, each member of the config under its own name."""
    page = refused(request, _form(request, None), error)
    errors = {name: text for name, text in page.errors.items() if name != "config"}
    for problem in getattr(error, "errors", ()):
        if problem.loc.startswith(PREFIX):
            name = ".".join(problem.loc.split(".")[:2])
            errors.setdefault(name, FIELDS["config"] if request.incoming.form.get(name) else REQUIRED)
        elif problem.loc == "config":
            errors.update(dict.fromkeys(_required_and_empty(request), REQUIRED) or {"config": FIELDS["config"]})
    return replace(page, errors=errors)


def _required_and_empty(request: PortalRequest) -> list[str]:
    form = request.incoming.form
    product = _products(request).get(form.get("product", ""))
    fields = fields_of(None if product is None else product.provisioning.config)
    return [each.name for each in fields if each.required and not form.get(each.name)]


def _orders(request: PortalRequest) -> PortalPage:
    request.session.expire_all()
    owner, chosen = request.person.account, request.incoming.param("state")
    state = OrderState(chosen) if chosen in list(OrderState) else None
    page = service.page(request.session, owner.id, OrderFilter(state), request.incoming.param("cursor"), PAGE_SIZE)
    named = client_list.names(request.session, [row.account_id for row in page.items if row.account_id is not None])
    programme = _programme(request)
    rows = [
        {
            "order": row,
            "product": programme_service.name_of(programme, row.product, request.locale),
            "client": None if row.account_id is None else named.get(row.account_id),
            "net": service.money_of(row),
            "state": STATES[OrderState(row.state)],
            "kind": KINDS[OrderKind(row.kind)],
        }
        for row in page.items
    ]
    values = {"rows": rows, "next": page.next, "states": STATES, "chosen": chosen or ""}
    return PortalPage("orders.html", ORDERS, values, page="partner.orders")
