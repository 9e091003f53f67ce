"""Where a reseller stands on a local day, by the ledger at this moment: never from what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from domain.discounts import reseller_percent
from domain.periods import ONE_DAY, turnover_window
from domain.programme.model import Programme, Tier, TurnoverDiscount
from domain.tiers import tier_at
from domain.zones import day_start
from models.accounts import Account
from store import payments


@dataclass(frozen=True, slots=True)
class Bounds:
    """A day's window as instants: payments from `since` to before `until` count, tomorrow those from `keeps` on."""

    since: datetime
    keeps: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """A reseller's turnover on a day, and the tier that gives."""

    turnover: Decimal
    tier: Tier | None


def bounds_of(day: date, tz: ZoneInfo) -> Bounds:
    """The window of a local day, and what of it is left the day after (programme.md 6.3)."""
    tomorrow = turnover_window(day + ONE_DAY)
    return Bounds(
        since=day_start(turnover_window(day).first, tz),
        keeps=day_start(tomorrow.first, tz),
        until=day_start(tomorrow.last, tz),
    )


def standing(session: Session, programme: Programme, reseller_id: UUID, day: date) -> Standing:
    """Turnover and tier of a local day; no tier where discounts do not depend on turnover."""
    bounds = bounds_of(day, programme.zone)
    amount = payments.turnover(session, reseller_id, bounds.since, bounds.until)
    rules = programme.discount
    tier = tier_at(rules.tiers, amount) if isinstance(rules, TurnoverDiscount) else None
    return Standing(amount, tier)


def tier_for(session: Session, programme: Programme, reseller_id: UUID, day: date) -> Tier | None:
    """The tier of a local day; asks the ledger only where it matters."""
    if not isinstance(programme.discount, TurnoverDiscount):
        return None
    return standing(session, programme, reseller_id, day).tier


def tiers_for(session: Session, programme: Programme, asked: Sequence[tuple[UUID, date]]) -> Sequence[Tier | None]:
    """`tier_for` of many (reseller, day), of the ledger in one statement."""
    rules = programme.discount
    if not isinstance(rules, TurnoverDiscount):
        return [None] * len(asked)
    days = {day: bounds_of(day, programme.zone) for day in {day for _, day in asked}}
    windows = [(reseller_id, days[day].since, days[day].until) for reseller_id, day in asked]
    return [tier_at(rules.tiers, amount) for amount in payments.turnovers(session, windows)]


def percent_for(session: Session, programme: Programme, reseller: Account, family: str | None, today: date) -> Decimal:
    """The reseller's own discount in per cent on a product of that family; None: a plan, or no family."""
    rules = programme.discount
    if isinstance(rules, TurnoverDiscount) and family is None:
        return Decimal(0)
    return reseller_percent(rules, family, tier_for(session, programme, reseller.id, today))
