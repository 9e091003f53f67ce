"""The price of an order at the discount of the moment (programme.md 6.6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.discounts.record import TierStatus, json_number, tier_status
from kontor.discounts.rules import price_order
from kontor.kernel.errors import FieldError, Invalid
from kontor.kernel.money import Money
from kontor.programme import service as programme_service
from kontor.programme.model import Product, Programme, Promotion, TurnoverDiscount
from kontor.programme.versions import Versions
from models.accounts import Account

MAX_QUANTITY: Final = 1_000_000
LARGEST_TOTAL: Final = Decimal(10) ** 15


@dataclass(frozen=True, slots=True)
class Purchase:
    """What is priced: a quantity of a product for a number of its terms."""

    product: Product
    quantity: int
    terms: int = 1
    promo_code: str | None = None


def priced(
    ctx: Context, session: Session, reseller: Account, programme: Programme, purchase: Purchase
) -> dict[str, object]:
    """Return the columns of an order that say its price. Raises Invalid(`quantity`, `not_for_sale`, promo code)."""
    promo = promo_code_of(programme, purchase.promo_code)
    day = ctx.today(programme.zone)
    status = _tier_status(session, programme, reseller, day)
    promotions = [*([promo] if promo else []), *programme.campaigns.values()]
    price = list_price(purchase.product, purchase.quantity, purchase.terms)
    tier = status.tier if status else None
    result = price_order(price, purchase.product, programme.discount, tier, promotions, day)
    return {
        "product": purchase.product.code,
        "quantity": purchase.quantity,
        "promo_code": promo.code if promo else None,
        "promotion": result.promotion,
        "currency": programme.currency,
        "list_price": result.list_price.amount,
        "percent": result.percent,
        "net": result.net.amount,
        "suppressed": [
            {"code": each.code, "percent": json_number(each.percent), "by": each.by.value} for each in result.suppressed
        ],
        "as_of": day,
        "turnover": status and status.turnover,
        "tier": status.tier.name if status and status.tier else None,
        "version": Versions(ctx.programmes, session, reseller.programme).at(ctx.now).number,
    }


def _tier_status(session: Session, programme: Programme, reseller: Account, day: date) -> TierStatus | None:
    """Compute the tier from the payments; None where discounts do not depend on turnover."""
    if not isinstance(programme.discount, TurnoverDiscount):
        return None
    return tier_status(session, programme, reseller.id, day)


def product_of(programme: Programme, reseller: Account, code: str) -> Product:
    """Return a product that this reseller may sell. Raises Invalid(`unknown_product`)."""
    product = programme_service.visible(programme, reseller).get(code)
    if product is None:
        raise invalid("unknown_product", "product", f"There is no product {code!r}.")
    return product


def list_price(product: Product, quantity: int, terms: int = 1) -> Money:
    """Return the list price of a quantity for a number of terms. Raises Invalid(`quantity`, `not_for_sale`)."""
    if not 1 <= quantity <= MAX_QUANTITY:
        raise invalid("invalid", "quantity", f"Quantity must be from 1 to {MAX_QUANTITY:,}.")
    if product.price is None:
        raise invalid(
            "not_for_sale", "product", f"{product.code} cannot be ordered: it has no price and is charged monthly."
        )
    total = product.price * (quantity * terms)
    if total.amount >= LARGEST_TOTAL:
        raise invalid("invalid", "quantity", "The total has more than 15 digits; order a smaller quantity.")
    return total


def promo_code_of(programme: Programme, text: str | None) -> Promotion | None:
    """Return the promotion of a promo code, ignoring case. Raises Invalid(`unknown_promo_code`)."""
    if text is None or not text.strip():
        return None
    promotion = programme.promo_code(text.strip())
    if promotion is None:
        raise invalid("unknown_promo_code", "promo_code", f"There is no promo code {text!r}.")
    return promotion


def invalid(code: str, field: str, message: str) -> Invalid:
    """Return the error of a field."""
    return Invalid(code, message, errors=[FieldError(field, message)])
