"""A reseller's turnover and tier on a local day, always computed from the current ledger, never from records."""

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
    """A day's window: payments from `since` to before `until` count; tomorrow only those from `keeps` on."""

    since: datetime
    keeps: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """A reseller's turnover on a day and the resulting tier."""

    turnover: Decimal
    tier: Tier | None


def bounds_of(day: date, tz: ZoneInfo) -> Bounds:
    """Return the window of a local day, and the part of it that still counts the next day (programme.md 6.3)."""
    tomorrow = turnover_window(day + ONE_DAY)
    return Bounds(
        since=day_start(turnover_window(day).first, tz),
        keeps=day_start(tomorrow.first, tz),
        until=day_start(tomorrow.last, tz),
    )


def standing(session: Session, programme: Programme, reseller_id: UUID, day: date) -> Standing:
    """Return turnover and tier of a local day; no tier where discounts do not depend on turnover."""
    bounds = bounds_of(day, programme.zone)
    amount = payments.turnover(session, reseller_id, bounds.since, bounds.until)
    rules = programme.discount
    tier = tier_at(rules.tiers, amount) if isinstance(rules, TurnoverDiscount) else None
    return Standing(amount, tier)


def tier_for(session: Session, programme: Programme, reseller_id: UUID, day: date) -> Tier | None:
    """Return the tier of a local day; queries the ledger only when discounts depend on turnover."""
    if not isinstance(programme.discount, TurnoverDiscount):
        return None
    return standing(session, programme, reseller_id, day).tier


def tiers_for(session: Session, programme: Programme, requests: Sequence[tuple[UUID, date]]) -> Sequence[Tier | None]:
    """Return the same as `tier_for` for many (reseller, day), with one query."""
    rules = programme.discount
    if not isinstance(rules, TurnoverDiscount):
        return [None] * len(requests)
    days = {day: bounds_of(day, programme.zone) for day in {day for _, day in requests}}
    windows = [(reseller_id, days[day].since, days[day].until) for reseller_id, day in requests]
    return [tier_at(rules.tiers, amount) for amount in payments.turnovers(session, windows)]


def percent_for(session: Session, programme: Programme, reseller: Account, family: str | None, today: date) -> Decimal:
    """Return the reseller's discount in per cent on a product of a family; None: a plan, or no family."""
    rules = programme.discount
    if isinstance(rules, TurnoverDiscount) and family is None:
        return Decimal(0)
    return reseller_percent(rules, family, tier_for(session, programme, reseller.id, today))
