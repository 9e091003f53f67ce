"""An operator's form that places an order for a reseller, with price and balance shown first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kontor.accounts import service as accounts
from kontor.kernel.errors import FieldError, Invalid, NotFound
from kontor.orders.config_form import FieldKind, config_of, fields_of
from kontor.programme import service as programmes
from kontor.programme.model import Product, Programme
from kontor.provisioning import ordering
from kontor.provisioning.ordering import NewOrder
from kontor.ui import formatting
from kontor.ui.console_request import ConsoleRequest
from kontor.ui.operator_forms import FormField, FormResult, OperatorForm, account_typed, form_token
from models.accounts import Account, AccountKind

KINDS: Final = {FieldKind.CHECK: "checkbox", FieldKind.MASKED: "password", FieldKind.JSON: "textarea"}


def _reseller(request: ConsoleRequest) -> Account:
    account = accounts.get(request.session, request.incoming.uuid("reseller_id"))
    if account.kind != AccountKind.RESELLER or account.deleted_at is not None:
        raise NotFound
    return account


def _programme(request: ConsoleRequest) -> Programme:
    return request.deps.programmes.current(request.session, _reseller(request).programme)


def _chosen(request: ConsoleRequest) -> Product | None:
    code = request.incoming.form.get("product") or request.incoming.param("product") or ""
    return programmes.visible(_programme(request), _reseller(request)).get(code)


def _fields(request: ConsoleRequest) -> Sequence[FormField]:
    programme, reseller = _programme(request), _reseller(request)
    names = formatting.display_names(request, [reseller.programme])[reseller.programme]
    sold = [
        (code, names.product(code))
        for code, product in programmes.visible(programme, reseller).items()
        if product.price is not None
    ]
    chosen = _chosen(request)
    config = fields_of(None if chosen is None else chosen.provisioning.config)
    return (
        FormField("product", "Product", options=sold),
        FormField("account_id", "For its client (name or id)", required=False, hint="Empty: for the reseller itself."),
        FormField("quantity", "Quantity", "number", value="1"),
        FormField("term", "Term, such as P1M", required=False, hint="Empty: the product's own."),
        FormField("promo_code", "Promo code", required=False),
        *(
            FormField(
                each.name,
                each.label,
                KINDS.get(each.kind, "text"),
                [("", "none"), *((option, option) for option in each.options)] if each.options else (),
                required=False,
            )
            for each in config
        ),
    )


def _new(request: ConsoleRequest, *, dry_run: bool) -> NewOrder:
    form, chosen = request.incoming.form, _chosen(request)
    client = account_typed(request, "account_id") if form.get("account_id", "").strip() else None
    return NewOrder(
        product=form.get("product", ""),
        order_ref=form_token(request),
        quantity=_quantity(form.get("quantity", "").strip()),
        promo_code=form.get("promo_code", "").strip() or None,
        dry_run=dry_run,
        account_id=client,
        term=form.get("term", "").strip() or None,
        config=config_of(None if chosen is None else chosen.provisioning.config, form) or None,
    )


def _quantity(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 7 and int(text) > 0):
        raise Invalid(errors=[FieldError("quantity", "Enter a whole number from 1 on.")])
    return int(text)


def _preview(request: ConsoleRequest) -> Sequence[str]:
    """Say what an order costs and whether the balance covers it. Raises as `ordering.place`."""
    reseller = _reseller(request)
    placed = ordering.place(request.context, request.session, reseller.id, _new(request, dry_run=True))
    order = placed.order
    names = formatting.display_names(request, [reseller.programme])[reseller.programme]
    listed = formatting.money(str(order.list_price), order.currency)
    net = formatting.money(str(order.net), order.currency)
    price = f"{listed} less {order.percent.normalize():f} %: {net}, paid by {reseller.name}."
    short = [] if placed.missing is None else [f"The balance does not cover it: {placed.missing} are missing."]
    return [f"{order.quantity:,} {names.product(order.product)}.", price, *short]


def _perform(request: ConsoleRequest, reason: str) -> FormResult:
    reseller, actor = _reseller(request), request.actor(reason).name
    placed = ordering.place(request.context, request.session, reseller.id, _new(request, dry_run=False), actor)
    return FormResult(f"/console/orders/{placed.order.id}?done=ordered")


ORDER: Final = OperatorForm(
    "/console/resellers/{reseller_id}/orders/new",
    "order.place",
    "Place an order",
    "Order",
    _fields,
    _perform,
    "/console/accounts/{reseller_id}",
    preview=_preview,
    beside={"unknown_promo_code": "promo_code", "not_for_sale": "product", "unknown_product": "product"},
)
