"""What a plan or an assigned product costs a month, and the discount of whoever pays."""

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
    """The fee before the discount, the family the discount goes by, and where the fee stands."""

    fee: Money
    family: str | None
    source: str


def price_of(programme: Programme, kind: FeeKind, code: str) -> Price | None:
    """What one period costs; None when the programme no longer sells it by the month."""
    if kind is FeeKind.PLAN:
        plan = programme.plans.get(code)
        return None if plan is None or plan.price is None else Price(plan.price, None, f"plan {code}")
    product = programme.products.get(code)
    return None if product is None else wholesale(programme, product)


def wholesale(programme: Programme, product: Product) -> Price | None:
    """What the reseller is charged for a product, before its discount; None when it has no fee."""
    code = product.reseller_subscription
    subscription = programme.reseller_subscriptions.get(code) if code is not None else None
    if subscription is None:
        return None
    return Price(subscription.fee, product.family, f"reseller subscription {subscription.code}")


def plan_prices(programme: Programme) -> Mapping[str, Money]:
    """The monthly price of every paid plan."""
    return {code: plan.price for code, plan in programme.plans.items() if plan.price is not None}


@dataclass(slots=True)
class Percents:
    """Discounts asked of the ledger once each: a night's work asks for the same ones again and again."""

    session: Session
    programme: Programme
    known: dict[tuple[UUID, date], Tier | None] = field(default_factory=dict)

    def ask(self, wanted: Iterable[tuple[UUID | None, date]]) -> None:
        """Ask for many (reseller, day) at once: a night's work has more resellers than it may ask one by one."""
        new = sorted({(who, day) for who, day in wanted if who is not None and (who, day) not in self.known})
        if new and isinstance(self.programme.discount, TurnoverDiscount):
            self.known.update(zip(new, tiers_for(self.session, self.programme, new), strict=True))

    def of(self, reseller_id: UUID | None, family: str | None, day: date) -> Decimal:
        """The per cent off for a reseller on a local day; an account that pays for itself gets none."""
        rules = self.programme.discount
        if reseller_id is None:
            return Decimal(0)
        if not isinstance(rules, TurnoverDiscount) or family is None:
            return reseller_percent(rules, family, None)
        place = (reseller_id, day)
        if place not in self.known:
            self.known[place] = tier_for(self.session, self.programme, reseller_id, day)
        return reseller_percent(rules, family, self.known[place])
