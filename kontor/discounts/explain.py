"""Explain a reseller's discount on a day: from the ledger, with what was recorded then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.discounts import queries
from kontor.discounts.record import json_number, window_bounds
from kontor.discounts.rules import (
    DiscountExplanation,
    SuppressedBy,
    TurnoverDay,
    TurnoverEntry,
    promotion_applies,
    reseller_percent,
    turnover_by_day,
    what_if,
)
from kontor.discounts.rules import (
    explain_discount as discounts_explain_discount,
)
from kontor.discounts.schemas import (
    CountedPaymentOut,
    DiscountOut,
    DiscountWindowOut,
    NextTierOut,
    Percentages,
    RecordedDiscountOut,
    SuppressedPromotionOut,
    TomorrowOut,
)
from kontor.http.wire import MoneyOut
from kontor.kernel.errors import Conflict
from kontor.kernel.money import Money
from kontor.kernel.periods import ONE_DAY
from kontor.kernel.states import PaymentKind
from kontor.kernel.zones import local_day
from kontor.payments import queries as payments_queries
from kontor.programme.model import Discount, FlatDiscount, NoDiscount, Programme, Promotion, Tier, TurnoverDiscount
from kontor.programme.versions import Versions
from models.accounts import Account, AccountKind
from models.discounts import DiscountRecord

ALL_FAMILIES = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry(TurnoverEntry):
    """A ledger entry with its id and instant."""

    id: UUID
    paid_at: datetime


def explain_discount(
    ctx: Context, session: Session, reseller: Account, as_of: date | None, pay: Decimal | None = None
) -> DiscountOut:
    """Explain the discount on a local day, by default today; `pay`: as if that amount were paid on the day.

    A past day is explained by the version in force when it ended, any other by the one in force now.
    Raises Conflict(`not_a_reseller`) for an account that never was one.
    """
    versions = Versions(ctx.programmes, session, reseller.programme)
    dated = versions.at(ctx.now)
    today = ctx.today(dated.programme.zone)
    day = as_of or today
    dated = versions.at_end(day) if day < today else dated
    programme = dated.programme
    _require_reseller_history(session, reseller)
    entries = _entries(session, programme, reseller.id, day)
    rules = _turnover_rules(programme.discount)
    explanation = discounts_explain_discount(rules, entries, day) if pay is None else what_if(rules, entries, day, pay)
    recorded = queries.recorded(session, reseller.id, reseller.programme, day)
    payments = {id(entry): _entry(entry, programme) for entry in entries}
    return DiscountOut(
        as_of=explanation.day,
        version=dated.number,
        window=DiscountWindowOut(from_=explanation.window.first, to=explanation.window.last),
        turnover=_money(explanation.turnover, programme),
        tier=None if explanation.tier is None else explanation.tier.name,
        percent=percent_by_family(programme.discount, explanation),
        next_tier=_next_tier(explanation, programme),
        tomorrow=_tomorrow(explanation, payments, programme),
        payments=[payments[id(entry)] for entry in explanation.counted if id(entry) in payments],
        suppressed=suppressed_promotions(programme, explanation.tier, day),
        recorded=None if recorded is None else _record(programme, recorded, day),
        pay=None if pay is None else _money(pay, programme),
    )


def turnover_days(explanation: DiscountOut) -> tuple[TurnoverDay, ...]:
    """Return the explained turnover by local day, every day of the window, oldest first."""
    entries = (
        TurnoverEntry(each.day, each.kind, each.amount.to_money().amount, each.reference)
        for each in explanation.payments
    )
    return turnover_by_day(entries, explanation.as_of)


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


def percent_by_family(rules: Discount, explanation: DiscountExplanation) -> Percentages:
    """Return per cent per family as JSON numbers; `*` stands for all plans and products."""
    match rules:
        case NoDiscount() | FlatDiscount():
            return {ALL_FAMILIES: json_number(reseller_percent(rules, None, None))}
        case TurnoverDiscount():
            return {family: json_number(percent) for family, percent in explanation.percent.items()}


def _money(amount: Decimal, programme: Programme) -> MoneyOut:
    return MoneyOut.of(Money(amount, programme.currency))


def _next_tier(explanation: DiscountExplanation, programme: Programme) -> NextTierOut | None:
    reached = explanation.next_tier
    return None if reached is None else NextTierOut(name=reached.tier.name, missing=_money(reached.missing, programme))


def _tomorrow(
    explanation: DiscountExplanation, payments: Mapping[int, CountedPaymentOut], programme: Programme
) -> TomorrowOut:
    """Return the next day without further payments; `payments` by the identity of their entries."""
    tomorrow = explanation.tomorrow
    return TomorrowOut(
        as_of=explanation.day + ONE_DAY,
        turnover=_money(tomorrow.turnover, programme),
        tier=None if tomorrow.tier is None else tomorrow.tier.name,
        leaving=[payments[id(entry)] for entry in tomorrow.leaving if id(entry) in payments],
        keep_with=None if tomorrow.keep_with is None else _money(tomorrow.keep_with, programme),
    )


def _entry(entry: LedgerEntry, programme: Programme) -> CountedPaymentOut:
    return CountedPaymentOut(
        id=entry.id,
        kind=entry.kind,
        amount=_money(entry.amount, programme),
        paid_at=entry.paid_at,
        day=entry.day,
        reference=entry.reference,
    )


def _record(programme: Programme, row: DiscountRecord, day: date) -> RecordedDiscountOut:
    return RecordedDiscountOut(
        as_of=day, since=row.day, turnover=_money(row.turnover, programme), tier=row.tier, percent={**row.percent}
    )


def suppressed_promotions(programme: Programme, tier: Tier | None, day: date) -> list[SuppressedPromotionOut]:
    """Return promo codes and campaigns that are valid on a local day but suppressed, with the products concerned."""
    rules = programme.discount
    if not isinstance(rules, TurnoverDiscount) or tier is None:
        return []
    suppressed: list[SuppressedPromotionOut] = []
    for kind, promotion in _promotions(programme):
        products = [
            product.code
            for product in programme.products.values()
            if reseller_percent(rules, product.family, tier) > 0 and promotion_applies(promotion, product.code, day)
        ]
        if products:
            suppressed.append(
                SuppressedPromotionOut(
                    code=promotion.code,
                    kind=kind,
                    percent=float(promotion.percent),
                    by=SuppressedBy.TURNOVER,
                    products=products,
                )
            )
    return suppressed


def _promotions(programme: Programme) -> Iterator[tuple[str, Promotion]]:
    """Yield promo codes, then campaigns, with their kind."""
    yield from (("promo_code", promotion) for promotion in programme.promo_codes.values())
    yield from (("campaign", promotion) for promotion in programme.campaigns.values())
