"""The form by which a reseller changes a service: quantity and config by the product's schema, the price first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from pydantic import JsonValue

from kontor.account_book import service as account_book
from kontor.engine.masking import MASK
from kontor.evidence.acts import attempted, rolled_back
from kontor.kernel.errors import Conflict, FieldError, Invalid, NotFound
from kontor.kernel.ids import new_id
from kontor.kernel.money import Money
from kontor.kernel.states import ServiceState, ServiceVerb
from kontor.orders import service as orders
from kontor.orders.config_form import PREFIX, FieldKind, Schema, config_of, fields_of
from kontor.programme.service import name_of
from kontor.provisioning import changes, service
from kontor.provisioning.changes import ServiceChange
from kontor.provisioning.service import Request
from kontor.ui.pages import N
from kontor.ui.portal_errors import FIELDS, REQUIRED, refused
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse, SeeOther
from models.services import Service

CHANGE: Final = N("Change the service")
NOTHING: Final = N("Nothing would change.")
PRICE_CHANGED: Final = N("The price has changed meanwhile; nothing was ordered yet. Please look at it again.")
CHANGEABLE: Final = frozenset({ServiceState.ACTIVE, ServiceState.SUSPENDED})


@dataclass(frozen=True, slots=True)
class ChangeQuote:
    """What a change costs at once; None: nothing. `reference`: by which it is asked for once."""

    price: Money | None
    reference: str


def show_change(request: PortalRequest) -> PortalResponse:
    """Show the form of a change. Raises NotFound."""
    return _page(request, _own(request))


def change(request: PortalRequest) -> PortalResponse:
    """Show what a change costs; with `confirm` ask for it, once for its reference. Raises NotFound."""
    row, form = _own(request), request.incoming.form
    reference = form.get("order_ref", "")
    confirmed = form.get("confirm") == "1" and bool(reference)
    if confirmed and orders.by_reference(request.session, row.reseller_id, reference) is not None:
        return _done(row)
    try:
        wish = _wish(request, row, reference if confirmed else f"portal:{new_id()}")
        quote = _quote(request, row, wish)
        if not confirmed:
            return _page(request, row, quote)
        if _amount(quote) != form.get("net", ""):
            return replace(_page(request, row, replace(quote, reference=reference)), notice=PRICE_CHANGED, status=409)
        with attempted(request.session):
            _change(request, row, wish)
    except (Conflict, Invalid) as error:
        request.session.expire_all()
        return _refused(request, row, error)
    return _done(row)


def _done(row: Service) -> SeeOther:
    return SeeOther(f"/partner/services/{row.id}?done=service-changed")


def _own(request: PortalRequest) -> Service:
    """Return a service of the reseller that is signed in, one that may be changed. Raises NotFound."""
    row = service.get(request.session, request.incoming.uuid("service_id"))
    if row.reseller_id != request.person.account.id or row.state not in CHANGEABLE:
        raise NotFound
    return row


def _change(request: PortalRequest, row: Service, wish: ServiceChange) -> None:
    changes.change(request.context, request.session, row.id, wish, Request(ServiceVerb.CHANGE, request.actor().name))


def _quote(request: PortalRequest, row: Service, wish: ServiceChange) -> ChangeQuote:
    """Return what a change would cost, by making it and taking it back. Raises as `changes.change`."""
    assert wish.order_ref is not None
    with rolled_back(request.session):
        _change(request, row, wish)
        order = orders.by_reference(request.session, row.reseller_id, wish.order_ref)
        price = None if order is None else orders.money_of(order)
    return ChangeQuote(price, wish.order_ref)


def _wish(request: PortalRequest, row: Service, reference: str) -> ServiceChange:
    """Return what was typed, of the config only if it is another. Raises Invalid."""
    form, text = request.incoming.form, request.incoming.form.get("quantity", "").strip()
    if not (text.isascii() and text.isdigit() and len(text) < 7 and int(text) > 0):
        raise Invalid(errors=[FieldError("quantity", "a whole number from 1 on")])
    schema = _schema(request, row)
    config = config_of(schema, form)
    same = schema is None or _shown(schema, config) == _shown(schema, row.config or {})
    quantity = int(text)
    if same and quantity == (row.next_quantity or row.quantity):
        raise Conflict("nothing_changes", "Nothing would change.")
    return ServiceChange(quantity, None if same else config, order_ref=reference)


def _schema(request: PortalRequest, row: Service) -> Schema | None:
    product = request.context.programme(request.session, row.programme).products.get(row.product)
    return None if product is None else product.provisioning.config


def _shown(schema: Schema, config: Mapping[str, JsonValue]) -> dict[str, str]:
    """Return the members of a config as the form's fields show them; sensitive ones are never shown."""
    typed = {each.name.removeprefix(PREFIX): each for each in fields_of(schema)}
    plain = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in config.items()
        if value not in (None, False, "")
        and (key not in typed or typed[key].kind is not FieldKind.MASKED or value != MASK)
    }
    return {key: "1" if value == "true" else value for key, value in plain.items()}


def _refused(request: PortalRequest, row: Service, error: Conflict | Invalid) -> PortalPage:
    """Return the form with what is wrong beside its field, each member of the config under its own name."""
    page = refused(request, _page(request, row), error)
    if error.code == "nothing_changes":
        return replace(page, notice=NOTHING, status=422)
    errors = {name: text for name, text in page.errors.items() if name != "config"}
    for problem in getattr(error, "errors", ()):
        if problem.loc.startswith(PREFIX):
            name = ".".join(problem.loc.split(".")[:2])
            errors.setdefault(name, FIELDS["config"] if request.incoming.form.get(name) else REQUIRED)
        elif problem.loc == "config":
            errors.setdefault("config", FIELDS["config"])
    return replace(page, errors=errors)


def _amount(quote: ChangeQuote) -> str:
    return "" if quote.price is None else f"{quote.price.amount:f}"


def _page(request: PortalRequest, row: Service, quote: ChangeQuote | None = None) -> PortalPage:
    form, owner = request.incoming.form, request.person.account
    programme, schema = request.context.programme(request.session, row.programme), _schema(request, row)
    present = {f"{PREFIX}{key}": text for key, text in _shown(schema or {}, row.config or {}).items()}
    values = {
        "service": row,
        "product": name_of(programme, row.product, request.locale),
        "fields": fields_of(schema),
        "shown": dict(form) or {"quantity": str(row.next_quantity or row.quantity), **present},
        "quote": quote,
        "amount": None if quote is None else _amount(quote),
        "carried": {name: text for name, text in form.items() if name == "quantity" or name.startswith(PREFIX)},
        "available": account_book.available(request.session, owner.id, programme),
    }
    return PortalPage("service_change.html", CHANGE, values, page="partner.services.change")
