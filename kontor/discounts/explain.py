"""Explain a reseller's discount on a day: from the ledger, with what was recorded then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.discounts import queries
from kontor.discounts.record import json_number, window_bounds
from kontor.discounts.rules import (
    DiscountExplanation,
    SuppressedBy,
    TurnoverEntry,
    promotion_applies,
    reseller_percent,
    what_if,
)
from kontor.discounts.rules import (
    explain_discount as discounts_explain_discount,
)
from kontor.kernel.errors import Conflict
from kontor.kernel.money import Money
from kontor.kernel.periods import ONE_DAY
from kontor.kernel.states import PaymentKind
from kontor.kernel.zones import local_day
from kontor.payments import queries as payments_queries
from kontor.programme.model import Discount, FlatDiscount, NoDiscount, Programme, Promotion, Tier, TurnoverDiscount
from models.accounts import Account, AccountKind
from models.discounts import DiscountRecord

Document = dict[str, Any]
ALL_FAMILIES = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry(TurnoverEntry):
    """A ledger entry with its id and instant."""

    id: UUID
    paid_at: datetime


def explain_discount(
    ctx: Context, session: Session, reseller: Account, as_of: date | None, pay: Decimal | None = None
) -> Document:
    """Explain the discount on a local day, by default today; `pay`: as if that amount were paid on the day.

    Raises Conflict(`not_a_reseller`) for an account that never was one.
    """
    programme = ctx.programme(session, reseller.programme)
    day = as_of or ctx.today(programme.zone)
    _require_reseller_history(session, reseller)
    entries = _entries(session, programme, reseller.id, day)
    rules = _turnover_rules(programme.discount)
    explanation = discounts_explain_discount(rules, entries, day) if pay is None else what_if(rules, entries, day, pay)
    recorded = queries.recorded(session, reseller.id, reseller.programme, day)
    return {
        **_figures(programme, explanation, entries),
        "suppressed": suppressed_promotions(programme, explanation.tier, day),
        "recorded": recorded and _record(programme, recorded, day),
        "pay": None if pay is None else Money(pay, programme.currency).to_document(),
    }


def _require_reseller_history(session: Session, account: Account) -> None:
    """Former resellers keep their recorded discounts."""
    if account.kind != AccountKind.RESELLER and queries.current(session, account.id) is None:
        raise Conflict("not_a_reseller", "The account is not a reseller.", state=account.kind)


def _entries(session: Session, programme: Programme, reseller_id: UUID, day: date) -> list[LedgerEntry]:
    bounds = window_bounds(day, programme.zone)
    return [
        LedgerEntry(
            day=local_day(row.paid_at, programme.zone),
            kind=PaymentKind(row.kind),
            amount=row.amount,
            reference=row.reference,
            id=row.id,
            paid_at=row.paid_at,
        )
        for row in payments_queries.between(session, [reseller_id], bounds.since, bounds.until)
    ]


def _turnover_rules(rules: Discount) -> TurnoverDiscount:
    """Return the turnover rules; without tiers where discounts do not depend on turnover."""
    return rules if isinstance(rules, TurnoverDiscount) else TurnoverDiscount((), ())


def percent_by_family(rules: Discount, explanation: DiscountExplanation) -> Mapping[str, int | float]:
    """Return per cent per family as JSON numbers; `*` stands for all plans and products."""
    match rules:
        case NoDiscount() | FlatDiscount():
            return {ALL_FAMILIES: json_number(reseller_percent(rules, None, None))}
        case TurnoverDiscount():
            return {family: json_number(percent) for family, percent in explanation.percent.items()}


def _figures(programme: Programme, explanation: DiscountExplanation, entries: Iterable[LedgerEntry]) -> Document:
    def money(amount: Decimal) -> dict[str, str]:
        return Money(amount, programme.currency).to_document()

    posted = {id(entry): entry for entry in entries}
    next_tier, tomorrow = explanation.next_tier, explanation.tomorrow
    return {
        "as_of": explanation.day,
        "window": {"from": explanation.window.first, "to": explanation.window.last},
        "turnover": money(explanation.turnover),
        "tier": explanation.tier and explanation.tier.name,
        "percent": percent_by_family(programme.discount, explanation),
        "next_tier": next_tier and {"name": next_tier.tier.name, "missing": money(next_tier.missing)},
        "tomorrow": {
            "as_of": explanation.day + ONE_DAY,
            "turnover": money(tomorrow.turnover),
            "tier": tomorrow.tier and tomorrow.tier.name,
            "leaving": [_entry(posted[id(entry)], programme) for entry in tomorrow.leaving if id(entry) in posted],
            "keep_with": None if tomorrow.keep_with is None else money(tomorrow.keep_with),
        },
        "payments": [_entry(posted[id(entry)], programme) for entry in explanation.counted if id(entry) in posted],
    }


def _entry(entry: LedgerEntry, programme: Programme) -> Document:
    return {
        "id": entry.id,
        "kind": entry.kind,
        "amount": Money(entry.amount, programme.currency).to_document(),
        "paid_at": entry.paid_at,
        "day": entry.day,
        "reference": entry.reference,
    }


def _record(programme: Programme, row: DiscountRecord, day: date) -> Document:
    return {
        "as_of": day,
        "since": row.day,
        "turnover": Money(row.turnover, programme.currency).to_document(),
        "tier": row.tier,
        "percent": row.percent,
    }


def suppressed_promotions(programme: Programme, tier: Tier | None, day: date) -> list[dict[str, Any]]:
    """Return promo codes and campaigns that are valid on a local day but suppressed, with the products concerned."""
    rules = programme.discount
    if not isinstance(rules, TurnoverDiscount) or tier is None:
        return []
    suppressed = []
    for kind, promotion in _promotions(programme):
        products = [
            product.code
            for product in programme.products.values()
            if reseller_percent(rules, product.family, tier) > 0 and promotion_applies(promotion, product.code, day)
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
