"""Which promotions a turnover discount shuts out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from domain.discounts import SuppressedBy, applies, reseller_percent
from domain.programme.model import Programme, Promotion, Tier, TurnoverDiscount


def suppressed_on(programme: Programme, tier: Tier | None, day: date) -> list[dict[str, Any]]:
    """Promo codes and campaigns that are good on a local day and do not apply, with the products concerned."""
    rules = programme.discount
    if not isinstance(rules, TurnoverDiscount) or tier is None:
        return []
    found = []
    for kind, promotion in _promotions(programme):
        products = [
            product.code
            for product in programme.products.values()
            if reseller_percent(rules, product.family, tier) > 0 and applies(promotion, product.code, day)
        ]
        if products:
            found.append(
                {
                    "code": promotion.code,
                    "kind": kind,
                    "percent": float(promotion.percent),
                    "by": SuppressedBy.TURNOVER.value,
                    "products": products,
                }
            )
    return found


def _promotions(programme: Programme) -> Iterator[tuple[str, Promotion]]:
    """Promo codes, which somebody would have to type, then campaigns."""
    yield from (("promo_code", one) for one in programme.promo_codes.values())
    yield from (("campaign", one) for one in programme.campaigns.values())
