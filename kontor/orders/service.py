"""Orders: priced from the payments at that moment, and never again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kontor.account_book import service as account_book
from kontor.accounts.locks import share_lock_reseller
from kontor.accounts.suspension import require_not_suspended
from kontor.context import Context
from kontor.discounts.record import TierStatus, json_number, tier_status
from kontor.discounts.rules import price_order
from kontor.kernel.errors import FieldError, Invalid
from kontor.kernel.ids import new_id
from kontor.kernel.money import Money
from kontor.kernel.paging import Page, page_of
from kontor.payments import service as payments
from kontor.programme import service as programme_service
from kontor.programme.model import Product, Programme, Promotion, TurnoverDiscount
from models.accounts import Account
from models.payments import OrderRow

MAX_QUANTITY: Final = 1_000_000
LARGEST_TOTAL: Final = Decimal(10) ** 15


@dataclass(frozen=True, slots=True)
class NewOrder:
    """A requested order; `dry_run` only returns the price."""

    product: str
    order_ref: str
    quantity: int = 1
    promo_code: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order; `created` is False for a dry run, whose order has no id, and for a reference that was used before.

    `missing`: what the balance of a dry run's order is short of.
    """

    order: OrderRow
    created: bool
    missing: Money | None = None


def place(ctx: Context, session: Session, reseller_id: UUID, new: NewOrder) -> PlacedOrder:
    """Price an order and store it; a reference that was used before returns its existing order.

    Raises NotFound, Conflict(`not_a_reseller`, `account_deleted`, `account_suspended`, `insufficient_balance`),
    Invalid(`unknown_product`, `not_for_sale`, `unknown_promo_code`, `quantity`, `order_ref`).
    """
    reference = payments.normalize_reference(new.order_ref, "order_ref")
    reseller = share_lock_reseller(session, reseller_id)
    programme = ctx.programme(session, reseller.programme)
    if programme.billing.credit is not None and not new.dry_run:
        account_book.lock(session, reseller.id)
    existing = by_reference(session, reseller.id, reference)
    if existing is not None:
        return PlacedOrder(existing, created=False)
    require_not_suspended(reseller)
    values = {**_priced(ctx, session, reseller, new), "order_ref": reference}
    draft = OrderRow(**{**values, "id": None})
    price = Money(draft.net, draft.currency)
    if new.dry_run:
        short = account_book.missing(session, reseller.id, programme, price)
        return PlacedOrder(draft, created=False, missing=short if short.amount else None)
    account_book.require_cover(session, reseller.id, programme, price)
    order = add(session, values)
    if order is None:
        return PlacedOrder(_existing(session, reseller.id, reference), created=False)
    account_book.check_balances(ctx, session, programme, [reseller.id])
    return PlacedOrder(order, created=True)


def _existing(session: Session, reseller_id: UUID, reference: str) -> OrderRow:
    order = by_reference(session, reseller_id, reference)
    assert order is not None, "the insert waits for the transaction that holds the reference"
    return order


def _priced(ctx: Context, session: Session, reseller: Account, new: NewOrder) -> dict[str, object]:
    """Return the columns of an order except its reference."""
    programme = ctx.programme(session, reseller.programme)
    product = _product(programme, reseller, new.product)
    promo = _promo_code(programme, new.promo_code)
    day = ctx.today(programme.zone)
    status = _tier_status(session, programme, reseller, day)
    promotions = [*([promo] if promo else []), *programme.campaigns.values()]
    list_price = _list_price(product, new.quantity)
    priced = price_order(list_price, product, programme.discount, status.tier if status else None, promotions, day)
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
            {"code": promotion.code, "percent": json_number(promotion.percent), "by": promotion.by.value}
            for promotion in priced.suppressed
        ],
        "as_of": day,
        "turnover": status and status.turnover,
        "tier": status.tier.name if status and status.tier else None,
        "created_at": ctx.now,
    }


def _tier_status(session: Session, programme: Programme, reseller: Account, day: date) -> TierStatus | None:
    """Compute the tier from the payments; None where discounts do not depend on turnover."""
    if not isinstance(programme.discount, TurnoverDiscount):
        return None
    return tier_status(session, programme, reseller.id, day)


def _product(programme: Programme, reseller: Account, code: str) -> Product:
    """Return a product that this reseller may sell. Raises Invalid(`unknown_product`)."""
    product = programme_service.visible(programme, reseller).get(code)
    if product is None:
        raise _invalid("unknown_product", "product", f"There is no product {code!r}.")
    return product


def _list_price(product: Product, quantity: int) -> Money:
    """Return the list price of a quantity. Raises Invalid(`quantity`, `not_for_sale`)."""
    if not 1 <= quantity <= MAX_QUANTITY:
        raise _invalid("invalid", "quantity", f"Quantity must be from 1 to {MAX_QUANTITY:,}.")
    if product.price is None:
        raise _invalid(
            "not_for_sale", "product", f"{product.code} cannot be ordered: it has no price and is charged monthly."
        )
    total = product.price * quantity
    if total.amount >= LARGEST_TOTAL:
        raise _invalid("invalid", "quantity", "The total has more than 15 digits; order a smaller quantity.")
    return total


def _promo_code(programme: Programme, text: str | None) -> Promotion | None:
    """Return the promotion of a promo code, ignoring case. Raises Invalid(`unknown_promo_code`)."""
    if text is None or not text.strip():
        return None
    promotion = programme.promo_code(text.strip())
    if promotion is None:
        raise _invalid("unknown_promo_code", "promo_code", f"There is no promo code {text!r}.")
    return promotion


def _invalid(code: str, field: str, message: str) -> Invalid:
    return Invalid(code, message, errors=[FieldError(field, message)])


def page(session: Session, reseller_id: UUID, cursor: str | None = None, limit: int = 100) -> Page[OrderRow]:
    """Return a reseller's orders, newest first. Raises Invalid on an invalid cursor."""
    query = select(OrderRow).where(OrderRow.reseller_id == reseller_id)
    return page_of(session, query, OrderRow.id, cursor, limit)


def add(session: Session, values: Mapping[str, object]) -> OrderRow | None:
    """Insert an order; None when the reseller has used the reference before."""
    statement = insert(OrderRow).values(**values)
    insertion = statement.on_conflict_do_nothing(index_elements=["reseller_id", "order_ref"])
    return session.scalars(insertion.returning(OrderRow)).one_or_none()


def by_reference(session: Session, reseller_id: UUID, order_ref: str) -> OrderRow | None:
    """Return a reseller's order with that reference."""
    conditions = (OrderRow.reseller_id == reseller_id, OrderRow.order_ref == order_ref)
    return session.scalars(select(OrderRow).where(*conditions)).one_or_none()
