"""Why a reseller has its discount on a day: from today's ledger, with what was recorded then beside it."""

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
    """An entry of the ledger with what it is known by."""

    id: UUID
    paid_at: datetime


def told(
    book: DiscountBook, session: Session, reseller: Account, as_of: date | None, pay: Decimal | None = None
) -> Document:
    """The contract's answer for a local day, today's when none is named; `pay` as if paid on it.

    Raises Conflict(`not_a_reseller`) for an account that never was one.
    """
    programme = book.programme(session, reseller.programme)
    day = as_of or book.today(programme.zone)
    _refuse_stranger(session, reseller)
    entries = _entries(session, programme, reseller.id, day)
    rules = _turnover_rules(programme.discount)
    found = explain(rules, entries, day) if pay is None else what_if(rules, entries, day, pay)
    recorded = discounts.recorded(session, reseller.id, reseller.programme, day)
    return {
        **_figures(programme, found, entries),
        "suppressed": suppressed_on(programme, found.tier, day),
        "recorded": recorded and _record(programme, recorded, day),
        "pay": None if pay is None else Money(pay, programme.currency).to_document(),
    }


def _refuse_stranger(session: Session, account: Account) -> None:
    """Former resellers keep what was recorded of them."""
    if account.kind != AccountKind.RESELLER and discounts.current(session, account.id) is None:
        raise Conflict("not_a_reseller", "The account is no reseller.", state=account.kind)


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
    """The tiers; none where discounts do not depend on turnover."""
    return rules if isinstance(rules, TurnoverDiscount) else TurnoverDiscount((), ())


def percentages(rules: Discount, found: Explanation) -> Mapping[str, int | float]:
    """Per cent per family as JSON numbers; `*` stands for every plan and product."""
    match rules:
        case NoDiscount() | FlatDiscount():
            return {EVERY_FAMILY: number(reseller_percent(rules, None, None))}
        case TurnoverDiscount():
            return {family: number(percent) for family, percent in found.percent.items()}


def number(percent: Decimal) -> int | float:
    """A percentage as a JSON number."""
    return int(percent) if percent == percent.to_integral_value() else float(percent)


def _figures(programme: Programme, found: Explanation, entries: Iterable[Counted]) -> Document:
    def money(amount: Decimal) -> dict[str, str]:
        return Money(amount, programme.currency).to_document()

    known = {id(entry): entry for entry in entries}
    coming, then = found.next_tier, found.tomorrow
    return {
        "as_of": found.day,
        "window": {"from": found.window.first, "to": found.window.last},
        "turnover": money(found.turnover),
        "tier": found.tier and found.tier.name,
        "percent": percentages(programme.discount, found),
        "next_tier": coming and {"name": coming.tier.name, "missing": money(coming.missing)},
        "tomorrow": {
            "as_of": found.day + ONE_DAY,
            "turnover": money(then.turnover),
            "tier": then.tier and then.tier.name,
            "leaving": [_entry(known[id(one)], programme) for one in then.leaving if id(one) in known],
            "keep_with": None if then.keep_with is None else money(then.keep_with),
        },
        "payments": [_entry(known[id(one)], programme) for one in found.counted if id(one) in known],
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
