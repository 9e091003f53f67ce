"""Orders: priced from the payments at that moment, and never again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.discounts import price_order
from domain.errors import FieldError, Invalid
from domain.ids import new_id
from domain.money import Money
from domain.paging import Page, cursor_id, cut
from domain.programme.model import Product, Programme, Promotion, TurnoverDiscount
from models.accounts import Account
from models.orders import OrderRow
from services import payments, products
from services.clients import kept_reseller
from services.discounts.book import DiscountBook
from services.discounts.explaining import number
from services.discounts.standing import Standing, standing
from store import orders as rows

MOST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What is ordered; `dry_run` only asks for the price."""

    product: str
    order_ref: str
    quantity: int = 1
    promo_code: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """An order as it is shown; `created` is False for a dry run and for a reference that was used before."""

    document: Mapping[str, Any]
    created: bool


def place(book: DiscountBook, session: Session, reseller_id: UUID, new: NewOrder) -> Placed:
    """Price an order and keep it; a known reference answers with its first order.

    Raises NotFound, Conflict(`not_a_reseller`, `account_deleted`), Invalid(`unknown_product`,
    `not_for_sale`, `unknown_promo_code`, `quantity`, `order_ref`).
    """
    reference = payments.checked_reference(new.order_ref, "order_ref")
    reseller = kept_reseller(session, reseller_id)
    earlier = rows.by_reference(session, reseller.id, reference)
    if earlier is not None:
        return Placed(document(earlier), created=False)
    values = {**_priced(book, session, reseller, new), "order_ref": reference}
    if new.dry_run:
        return Placed({**document(OrderRow(**values)), "id": None}, created=False)
    kept = rows.add(session, values)
    if kept is None:
        return Placed(document(_first(session, reseller.id, reference)), created=False)
    return Placed(document(kept), created=True)


def _first(session: Session, reseller_id: UUID, reference: str) -> OrderRow:
    found = rows.by_reference(session, reseller_id, reference)
    assert found is not None, "whoever had the reference committed before we were told so"
    return found


def _priced(book: DiscountBook, session: Session, reseller: Account, new: NewOrder) -> dict[str, Any]:
    """The row of an order but for its reference."""
    programme = book.programme(session, reseller.programme)
    product = _product(programme, reseller, new.product)
    promo = _promo_code(programme, new.promo_code)
    day = book.today(programme.zone)
    stand = _stand(session, programme, reseller, day)
    offered = [*([promo] if promo else []), *programme.campaigns.values()]
    listed = _listed(product, new.quantity)
    priced = price_order(listed, product, programme.discount, stand.tier if stand else None, offered, day)
    return {
        "id": new_id(),
        "reseller_id": reseller.id,
        "programme": reseller.programme,
        "product": product.code,
        "quantity": new.quantity,
        "promo_code": promo.code if promo else None,
        "promotion": priced.promotion,
        "currency": programme.currency,
        "list_price": priced.list_price.amount,
        "percent": priced.percent,
        "net": priced.net.amount,
        "suppressed": [
            {"code": one.code, "percent": number(one.percent), "by": one.by.value} for one in priced.suppressed
        ],
        "as_of": day,
        "turnover": stand and stand.turnover,
        "tier": stand.tier.name if stand and stand.tier else None,
        "created_at": book.now,
    }


def _stand(session: Session, programme: Programme, reseller: Account, day: date) -> Standing | None:
    """From the payments; None where discounts do not depend on them."""
    if not isinstance(programme.discount, TurnoverDiscount):
        return None
    return standing(session, programme, reseller.id, day)


def _product(programme: Programme, reseller: Account, code: str) -> Product:
    """A product that this reseller may sell. Raises Invalid(`unknown_product`)."""
    found = products.visible(programme, reseller).get(code)
    if found is None:
        raise _refused("unknown_product", "product", f"There is no product {code!r}.")
    return found


def _listed(product: Product, quantity: int) -> Money:
    """The list price of so many. Raises Invalid(`quantity`, `not_for_sale`)."""
    if not 1 <= quantity <= MOST:
        raise _refused("invalid", "quantity", f"A quantity is 1 to {MOST:,}.")
    if product.price is None:
        raise _refused("not_for_sale", "product", f"{product.code} has no price; it is charged monthly.")
    return product.price * quantity


def _promo_code(programme: Programme, typed: str | None) -> Promotion | None:
    """The promo code that was typed, in whatever case. Raises Invalid(`unknown_promo_code`)."""
    if typed is None or not typed.strip():
        return None
    found = programme.promo_code(typed.strip())
    if found is None:
        raise _refused("unknown_promo_code", "promo_code", f"There is no promo code {typed!r}.")
    return found


def _refused(code: str, field: str, message: str) -> Invalid:
    return Invalid(code, message, errors=[FieldError(field, message)])


def page(session: Session, reseller_id: UUID, cursor: str | None = None, limit: int = 100) -> Page[OrderRow]:
    """Orders of a reseller, newest first. Raises Invalid on a strange cursor."""
    found = rows.page(session, reseller_id, cursor_id(cursor), limit + 1)
    return cut(found, limit, lambda row: str(row.id))


def document(row: OrderRow) -> dict[str, Any]:
    """The JSON shape of an order."""
    return {
        "id": row.id,
        "reseller_id": row.reseller_id,
        "order_ref": row.order_ref,
        "product": row.product,
        "quantity": row.quantity,
        "promo_code": row.promo_code,
        "promotion": row.promotion,
        "list": Money(row.list_price, row.currency).to_document(),
        "percent": number(row.percent),
        "net": Money(row.net, row.currency).to_document(),
        "suppressed": row.suppressed,
        "discount_as_of": row.as_of,
        "turnover": None if row.turnover is None else Money(row.turnover, row.currency).to_document(),
        "tier": row.tier,
        "created_at": row.created_at,
    }
