"""Promotions suppressed by a turnover discount."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from domain.discounts import SuppressedBy, applies, reseller_percent
from domain.programme.model import Programme, Promotion, Tier, TurnoverDiscount


def suppressed_on(programme: Programme, tier: Tier | None, day: date) -> list[dict[str, Any]]:
    """Return promo codes and campaigns that are valid on a local day but suppressed, with the products concerned."""
    rules = programme.discount
    if not isinstance(rules, TurnoverDiscount) or tier is None:
        return []
    suppressed = []
    for kind, promotion in _promotions(programme):
        products = [
            product.code
            for product in programme.products.values()
            if reseller_percent(rules, product.family, tier) > 0 and applies(promotion, product.code, day)
        ]
        if products:
            suppressed.append(
                {
                    "code": promotion.code,
                    "kind": kind,
                    "percent": float(promotion.percent),
                    "by": SuppressedBy.TURNOVER.value,
                    "products": products,
                }
            )
    return suppressed


def _promotions(programme: Programme) -> Iterator[tuple[str, Promotion]]:
    """Yield promo codes, then campaigns, with their kind."""
    yield from (("promo_code", promotion) for promotion in programme.promo_codes.values())
    yield from (("campaign", promotion) for promotion in programme.campaigns.values())
