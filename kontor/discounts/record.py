"""A reseller's tier on a local day, computed from the ledger, and the record of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.discounts import queries, set_queries
from kontor.discounts.rules import percentages, reseller_percent, tier_at
from kontor.discounts.set_queries import ALL, DiscountComputation
from kontor.kernel.periods import ONE_DAY, turnover_window
from kontor.kernel.zones import day_start
from kontor.payments import queries as payments_queries
from kontor.programme.model import Programme, Tier, TurnoverDiscount
from models.accounts import Account

__all__ = ["TierStatus", "percent_for", "tier_for", "tier_status", "tiers_for"]


class TierChange(Protocol):
    """A reseller's tiers by name: recorded before, now, and tomorrow if no payment arrives."""

    @property
    def reseller_id(self) -> UUID:
        """Id of the reseller."""

    @property
    def before(self) -> str | None:
        """The tier recorded before."""

    @property
    def after(self) -> str | None:
        """The tier of the day."""

    @property
    def tomorrow(self) -> str | None:
        """The tier of the next day if no payment arrives."""

    @property
    def turnover(self) -> Decimal:
        """Turnover of the day."""

    @property
    def turnover_tomorrow(self) -> Decimal:
        """Turnover of the next day if no payment arrives."""

    @property
    def version(self) -> int | None:
        """Version of the record that was written; None when nothing was written."""

    @property
    def moved(self) -> bool:
        """Whether the tier differs from the recorded one."""

    @property
    def falls(self) -> bool:
        """Whether the tier will drop tomorrow."""


def computation_for(
    code: str, programme: Programme, rules: TurnoverDiscount, day: date, ids: tuple[UUID, UUID] = ALL
) -> DiscountComputation:
    """Return the statement parameters for a local day and a range of reseller ids, both ends included."""
    bounds = window_bounds(day, programme.zone)
    tiers: Sequence[Tier | None] = (None, *rules.tiers)
    shares = [{family: json_number(percent) for family, percent in percentages(rules, tier).items()} for tier in tiers]
    return DiscountComputation(
        programme=code,
        day=day,
        since=bounds.since,
        keeps=bounds.keeps,
        until=bounds.until,
        starts=[tier.start for tier in rules.tiers],
        tiers=[None if tier is None else tier.name for tier in tiers],
        percents=[json.dumps(share) for share in shares],
        first=ids[0],
        last=ids[1],
    )


def record(ctx: Context, session: Session, sums: DiscountComputation) -> TierChange | None:
    """Compute one reseller's discount from its payments and record it if it differs; None: no such reseller.

    Locks the record before reading it, so that no other transaction can write it. Does not notify.
    """
    while True:
        queries.current(session, sums.first, lock=True)
        row = set_queries.record(session, sums, ctx.now)
        if row is None or not row.overtaken:
            return row


@dataclass(frozen=True, slots=True)
class WindowBounds:
    """A day's window: payments from `since` to before `until` count; tomorrow only those from `keeps` on."""

    since: datetime
    keeps: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class TierStatus:
    """A reseller's turnover on a day and the resulting tier."""

    turnover: Decimal
    tier: Tier | None


def window_bounds(day: date, tz: ZoneInfo) -> WindowBounds:
    """Return the window of a local day, and the part of it that still counts the next day (programme.md 6.3)."""
    tomorrow = turnover_window(day + ONE_DAY)
    return WindowBounds(
        since=day_start(turnover_window(day).first, tz),
        keeps=day_start(tomorrow.first, tz),
        until=day_start(tomorrow.last, tz),
    )


def tier_status(session: Session, programme: Programme, reseller_id: UUID, day: date) -> TierStatus:
    """Return turnover and tier of a local day; no tier where discounts do not depend on turnover."""
    bounds = window_bounds(day, programme.zone)
    amount = payments_queries.turnover(session, reseller_id, bounds.since, bounds.until)
    rules = programme.discount
    tier = tier_at(rules.tiers, amount) if isinstance(rules, TurnoverDiscount) else None
    return TierStatus(amount, tier)


def tier_for(session: Session, programme: Programme, reseller_id: UUID, day: date) -> Tier | None:
    """Return the tier of a local day; queries the ledger only when discounts depend on turnover."""
    if not isinstance(programme.discount, TurnoverDiscount):
        return None
    return tier_status(session, programme, reseller_id, day).tier


def tiers_for(session: Session, programme: Programme, requests: Sequence[tuple[UUID, date]]) -> Sequence[Tier | None]:
    """Return the same as `tier_for` for many (reseller, day), with one query."""
    rules = programme.discount
    if not isinstance(rules, TurnoverDiscount):
        return [None] * len(requests)
    days = {day: window_bounds(day, programme.zone) for day in {day for _, day in requests}}
    windows = [(reseller_id, days[day].since, days[day].until) for reseller_id, day in requests]
    return [tier_at(rules.tiers, amount) for amount in payments_queries.turnovers(session, windows)]


def percent_for(session: Session, programme: Programme, reseller: Account, family: str | None, today: date) -> Decimal:
    """Return the reseller's discount in per cent on a product of a family; None: a plan, or no family."""
    rules = programme.discount
    if isinstance(rules, TurnoverDiscount) and family is None:
        return Decimal(0)
    return reseller_percent(rules, family, tier_for(session, programme, reseller.id, today))


def json_number(percent: Decimal) -> int | float:
    """Return a percentage as a JSON number."""
    return int(percent) if percent == percent.to_integral_value() else float(percent)
