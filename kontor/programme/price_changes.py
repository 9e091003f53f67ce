"""Prices that differ between two versions, as resellers pay them, and retail fees that fall below them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from kontor.fees.catalogue import DiscountPercents, price_of
from kontor.fees.rules import below_cost, discounted_fee
from kontor.kernel.money import Money
from kontor.programme.consequence_queries import OpenRun
from kontor.programme.model import ManagedBy, Programme
from models.fees import FeeKind


@dataclass(frozen=True, slots=True)
class PriceChange:
    """A monthly price before any discount; `seller`: the only reseller that sees it, None for all."""

    kind: FeeKind
    code: str
    before: Money
    after: Money
    seller: str | None


def price_changes(before: Programme, after: Programme) -> list[PriceChange]:
    """Return the plans and products of both versions whose monthly price differs."""
    items = [(FeeKind.PLAN, code) for code in sorted(after.plans)]
    items += [(FeeKind.PRODUCT, code) for code in sorted(after.products)]
    changes: list[PriceChange] = []
    for kind, code in items:
        old, new = price_of(before, kind, code), price_of(after, kind, code)
        if old is not None and new is not None and old.fee != new.fee:
            changes.append(PriceChange(kind, code, old.fee, new.fee, _seller(after, kind, code)))
    return changes


def _seller(programme: Programme, kind: FeeKind, code: str) -> str | None:
    product = programme.products.get(code) if kind is FeeKind.PRODUCT else None
    return None if product is None or product.managed_by is ManagedBy.ADMIN else product.reseller


def shown_to(changes: Iterable[PriceChange], reseller_id: UUID) -> list[PriceChange]:
    """Return the changes that a reseller sees."""
    return [change for change in changes if change.seller in {None, str(reseller_id)}]


@dataclass(frozen=True, slots=True)
class RunPrice:
    """What a payer is charged for a run's period in one version; `retail` of a product is its client's fee."""

    total: Money
    retail: Money | None

    @property
    def below_cost(self) -> bool:
        """Whether the client is charged less than the reseller."""
        return self.retail is not None and below_cost(self.retail, self.total)


def fell_below(before: RunPrice | None, after: RunPrice | None) -> bool:
    """Return whether a client's fee is below its reseller's cost in the second version only."""
    return after is not None and after.below_cost and not (before is not None and before.below_cost)


def run_price(
    programme: Programme, percents: DiscountPercents, run: OpenRun, edits: Mapping[tuple[UUID, str], Decimal], day: date
) -> RunPrice | None:
    """Return the price of a run on a local day; None when it is no longer sold."""
    price = price_of(programme, FeeKind(run.kind), run.code)
    if price is None:
        return None
    total = discounted_fee(price.fee, percents.of(run.reseller_id, price.family, day)).total
    return RunPrice(total, _retail(programme, run, edits) if run.kind == FeeKind.PRODUCT else None)


def _retail(programme: Programme, run: OpenRun, edits: Mapping[tuple[UUID, str], Decimal]) -> Money | None:
    if run.retail_fee is not None:
        return Money(run.retail_fee, programme.currency)
    edited = None if run.reseller_id is None else edits.get((run.reseller_id, run.code))
    if edited is not None:
        return Money(edited, programme.currency)
    product = programme.products[run.code]
    recommended = programme.account_subscriptions.get(product.account_subscription or "")
    return None if recommended is None else recommended.fee
