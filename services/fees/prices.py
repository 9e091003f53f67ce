"""Monthly prices of plans and assigned products, and the payer's discount."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from domain.discounts import reseller_percent
from domain.money import Money
from domain.programme import Programme
from domain.programme.model import Product, Tier, TurnoverDiscount
from models.fees import FeeKind
from services.discounts import tier_for, tiers_for


@dataclass(frozen=True, slots=True)
class Price:
    """The fee before discount, the product family that decides the discount, and the source of the fee."""

    fee: Money
    family: str | None
    source: str


def price_of(programme: Programme, kind: FeeKind, code: str) -> Price | None:
    """Return the price of one period; None when the programme no longer sells it monthly."""
    if kind is FeeKind.PLAN:
        plan = programme.plans.get(code)
        return None if plan is None or plan.price is None else Price(plan.price, None, f"plan {code}")
    product = programme.products.get(code)
    return None if product is None else wholesale(programme, product)


def wholesale(programme: Programme, product: Product) -> Price | None:
    """Return the reseller's price of a product before discount; None when the product has no monthly fee."""
    code = product.reseller_subscription
    subscription = programme.reseller_subscriptions.get(code) if code is not None else None
    if subscription is None:
        return None
    return Price(subscription.fee, product.family, f"reseller subscription {subscription.code}")


def plan_prices(programme: Programme) -> Mapping[str, Money]:
    """Return the monthly price of every paid plan."""
    return {code: plan.price for code, plan in programme.plans.items() if plan.price is not None}


@dataclass(slots=True)
class Percents:
    """Resellers' discounts, each queried once: nightly charging needs the same ones many times."""

    session: Session
    programme: Programme
    cached: dict[tuple[UUID, date], Tier | None] = field(default_factory=dict)

    def prefetch(self, pairs: Iterable[tuple[UUID | None, date]]) -> None:
        """Query many (reseller, day) at once: nightly charging has too many resellers for single queries."""
        missing = sorted(
            {(payer, day) for payer, day in pairs if payer is not None and (payer, day) not in self.cached}
        )
        if missing and isinstance(self.programme.discount, TurnoverDiscount):
            self.cached.update(zip(missing, tiers_for(self.session, self.programme, missing), strict=True))

    def of(self, reseller_id: UUID | None, family: str | None, day: date) -> Decimal:
        """Return a reseller's discount in per cent on a local day; 0 for an account that pays for itself."""
        rules = self.programme.discount
        if reseller_id is None:
            return Decimal(0)
        if not isinstance(rules, TurnoverDiscount) or family is None:
            return reseller_percent(rules, family, None)
        key = (reseller_id, day)
        if key not in self.cached:
            self.cached[key] = tier_for(self.session, self.programme, reseller_id, day)
        return reseller_percent(rules, family, self.cached[key])
