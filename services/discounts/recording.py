"""Compute a day's discounts, and record one reseller's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Protocol, cast
from uuid import UUID

from sqlalchemy.orm import Session

from domain.programme.model import Programme, Tier, TurnoverDiscount
from domain.tiers import percentages
from services.discounts.book import DiscountBook
from services.discounts.explaining import number
from services.discounts.standing import bounds_of
from store import discount_sets, discounts
from store.discount_sets import ALL, Sums


class Finding(Protocol):
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


def sums_of(code: str, programme: Programme, rules: TurnoverDiscount, day: date, ids: tuple[UUID, UUID] = ALL) -> Sums:
    """Return the statement parameters for a local day and a range of reseller ids, both ends included."""
    bounds = bounds_of(day, programme.zone)
    tiers: Sequence[Tier | None] = (None, *rules.tiers)
    shares = [{family: number(percent) for family, percent in percentages(rules, tier).items()} for tier in tiers]
    return Sums(
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


def record(ctx: DiscountBook, session: Session, sums: Sums) -> Finding | None:
    """Compute one reseller's discount from its payments and record it if it differs; None: no such reseller.

    Locks the record before reading it, so that no other transaction can write it. Does not notify.
    """
    while True:
        discounts.current(session, sums.first, lock=True)
        row = discount_sets.record(session, sums, ctx.now)
        if row is None or not row.overtaken:
            return cast("Finding | None", row)
