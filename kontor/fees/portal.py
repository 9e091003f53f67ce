"""A client's monthly products on its reseller's page: wholesale, recommended and own price, margin; given and ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from kontor.accounts import service as accounts
from kontor.fees import assignments, catalogue
from kontor.fees.assignments import Assignments
from kontor.fees.schemas import AssignmentOut, ProductOut
from kontor.http.wire import MoneyOut
from kontor.kernel.errors import Conflict, Invalid, NotFound
from kontor.kernel.money import AllowedSign, Money, parse_money
from kontor.ui.pages import N
from kontor.ui.portal_errors import refused
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse, SeeOther
from models.accounts import Account

TITLE: Final = N("Products of the client “%(client)s”")
MOST_SHOWN: Final = 500


@dataclass(frozen=True, slots=True)
class ProductPrices:
    """What a product costs a month: `cost` is the wholesale price less the discount, `margin` what `price` leaves."""

    code: str
    name: str
    wholesale: Money | None
    cost: Money | None
    recommended: Money | None
    price: Money | None
    below_cost: bool

    @property
    def margin(self) -> Money | None:
        """What the reseller keeps of the client's price; below zero when it costs more."""
        return None if self.price is None or self.cost is None else self.price - self.cost


@dataclass(frozen=True, slots=True)
class AssignedProduct:
    """An assigned product. `own`: the price that the reseller set, None while it is the recommended one."""

    prices: ProductPrices
    own: Money | None
    paid_until: date
    ends_on: date | None


def show_products(request: PortalRequest) -> PortalResponse:
    """Show the products of a client. Raises NotFound."""
    return _page(request, _client(request))


def assign(request: PortalRequest) -> PortalResponse:
    """Assign a product, at the typed price or the recommended one. Raises NotFound."""
    form = request.incoming.form
    return _act(request, lambda work: work.assign(form.get("product", ""), _fee(request, form.get("retail_fee", ""))))


def change_price(request: PortalRequest) -> PortalResponse:
    """Set what the client pays; empty is the recommended price. Raises NotFound."""
    product, typed = request.incoming.params["product"], request.incoming.form.get("retail_fee", "")
    return _act(request, lambda work: work.change(product, _fee(request, typed)), of_row=product)


def unassign(request: PortalRequest) -> PortalResponse:
    """End a product with its paid period. Raises NotFound."""
    product = request.incoming.params["product"]
    return _act(request, lambda work: work.unassign(product))


def _act(request: PortalRequest, act: Callable[[Assignments], object], of_row: str | None = None) -> PortalResponse:
    """Act on the client's products; a refusal stands in the row of a product, or in the form that gives one."""
    client = _client(request)
    try:
        with request.session.begin_nested():
            act(Assignments.of(request.context, request.session, client.id))
    except (Conflict, Invalid) as error:
        return refused(request, _page(request, client, of_row), error)
    return SeeOther(f"/partner/clients/{client.id}/products?done=products")


def _client(request: PortalRequest) -> Account:
    """Return the reseller's client of the path. Raises NotFound."""
    client = accounts.get(request.session, request.incoming.uuid("account_id"))
    if client.reseller_id != request.person.account.id or client.deleted_at is not None:
        raise NotFound
    return client


def _fee(request: PortalRequest, text: str) -> Money | None:
    """Return the typed monthly price, None for an empty one. Raises Invalid."""
    if not text.strip():
        return None
    currency = request.context.programme(request.session, request.person.account.programme).currency
    return parse_money(text.strip(), currency, AllowedSign.NOT_NEGATIVE, "retail_fee")


def _page(request: PortalRequest, client: Account, of_row: str | None = None) -> PortalPage:
    session, owner = request.session, request.person.account
    assigned = assignments.page(request.context, session, client, None, MOST_SHOWN).items
    sold = {each.product: each for each in catalogue.page(request.context, session, owner.id, None, MOST_SHOWN).items}
    taken = {each.product for each in assigned if each.ends_on is None}
    values = {
        "of_client": client,
        "rows": [_assigned(each, sold.get(each.product)) for each in assigned],
        "products": [_offered(each) for each in sold.values() if _is_free(each, taken)],
        "refused_row": of_row,
    }
    return PortalPage("client_products.html", TITLE, values, page="partner.clients.products")


def _is_free(product: ProductOut, taken: set[str]) -> bool:
    return product.reseller_fee is not None and product.product not in taken


def _assigned(assigned: AssignmentOut, product: ProductOut | None) -> AssignedProduct:
    price = _money(assigned.retail_fee)
    prices = ProductPrices(
        code=assigned.product,
        name=assigned.name,
        wholesale=_money(assigned.reseller_fee),
        cost=_money(assigned.cost),
        recommended=None if product is None else _money(product.retail_fee),
        price=price,
        below_cost=assigned.below_cost,
    )
    return AssignedProduct(prices, None if assigned.recommended else price, assigned.paid_until, assigned.ends_on)


def _offered(product: ProductOut) -> ProductPrices:
    """Return what a product would cost and bring at the recommended price."""
    recommended = _money(product.retail_fee)
    return ProductPrices(
        product.product,
        product.name,
        _money(product.reseller_fee),
        _money(product.cost),
        recommended,
        recommended,
        product.below_cost,
    )


def _money(amount: MoneyOut | None) -> Money | None:
    return None if amount is None else amount.to_money()
