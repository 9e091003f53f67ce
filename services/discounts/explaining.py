"""Explains a reseller's discount on a day from the current ledger, together with the recorded value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from domain.discounts import reseller_percent
from domain.errors import Conflict
from domain.money import Money
from domain.periods import ONE_DAY
from domain.programme.model import Discount, FlatDiscount, NoDiscount, Programme, TurnoverDiscount
from domain.tiers import Entry, Explanation, PaymentKind, explain, what_if
from domain.zones import local_day
from models.accounts import Account, AccountKind
from models.discounts import DiscountRecord
from services.discounts.book import DiscountBook
from services.discounts.standing import bounds_of
from services.discounts.suppressing import suppressed_on
from store import discounts, payments

Document = dict[str, Any]
EVERY_FAMILY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted(Entry):
    """A ledger entry with its id and instant."""

    id: UUID
    paid_at: datetime


def told(
    ctx: DiscountBook, session: Session, reseller: Account, as_of: date | None, pay: Decimal | None = None
) -> Document:
    """Explain the discount on a local day, by default today; `pay`: as if that amount were paid on the day.

    Raises Conflict(`not_a_reseller`) for an account that never was one.
    """
    programme = ctx.programme(session, reseller.programme)
    day = as_of or ctx.today(programme.zone)
    _require_reseller_history(session, reseller)
    entries = _entries(session, programme, reseller.id, day)
    rules = _turnover_rules(programme.discount)
    explanation = explain(rules, entries, day) if pay is None else what_if(rules, entries, day, pay)
    recorded = discounts.recorded(session, reseller.id, reseller.programme, day)
    return {
        **_figures(programme, explanation, entries),
        "suppressed": suppressed_on(programme, explanation.tier, day),
        "recorded": recorded and _record(programme, recorded, day),
        "pay": None if pay is None else Money(pay, programme.currency).to_document(),
    }


def _require_reseller_history(session: Session, account: Account) -> None:
    """Former resellers keep their recorded discounts."""
    if account.kind != AccountKind.RESELLER and discounts.current(session, account.id) is None:
        raise Conflict("not_a_reseller", "The account is not a reseller.", state=account.kind)


def _entries(session: Session, programme: Programme, reseller_id: UUID, day: date) -> list[Counted]:
    bounds = bounds_of(day, programme.zone)
    return [
        Counted(
            day=local_day(row.paid_at, programme.zone),
            kind=PaymentKind(row.kind),
            amount=row.amount,
            reference=row.reference,
            id=row.id,
            paid_at=row.paid_at,
        )
        for row in payments.between(session, [reseller_id], bounds.since, bounds.until)
    ]


def _turnover_rules(rules: Discount) -> TurnoverDiscount:
    """Return the turnover rules; without tiers where discounts do not depend on turnover."""
    return rules if isinstance(rules, TurnoverDiscount) else TurnoverDiscount((), ())


def percentages(rules: Discount, explanation: Explanation) -> Mapping[str, int | float]:
    """Return per cent per family as JSON numbers; `*` stands for all plans and products."""
    match rules:
        case NoDiscount() | FlatDiscount():
            return {EVERY_FAMILY: number(reseller_percent(rules, None, None))}
        case TurnoverDiscount():
            return {family: number(percent) for family, percent in explanation.percent.items()}


def number(percent: Decimal) -> int | float:
    """Return a percentage as a JSON number."""
    return int(percent) if percent == percent.to_integral_value() else float(percent)


def _figures(programme: Programme, explanation: Explanation, entries: Iterable[Counted]) -> Document:
    def money(amount: Decimal) -> dict[str, str]:
        return Money(amount, programme.currency).to_document()

    posted = {id(entry): entry for entry in entries}
    next_tier, tomorrow = explanation.next_tier, explanation.tomorrow
    return {
        "as_of": explanation.day,
        "window": {"from": explanation.window.first, "to": explanation.window.last},
        "turnover": money(explanation.turnover),
        "tier": explanation.tier and explanation.tier.name,
        "percent": percentages(programme.discount, explanation),
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


def _entry(entry: Counted, programme: Programme) -> Document:
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
