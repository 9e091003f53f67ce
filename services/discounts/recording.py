"""What is computed of a day's discounts, and one reseller's written down."""

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
    """What was found of a reseller: the names of its tiers before, now and (with no new payment) tomorrow.

    `version` counts its records; None when nothing was written.
    """

    @property
    def reseller_id(self) -> UUID:
        """Whose."""

    @property
    def before(self) -> str | None:
        """What was recorded."""

    @property
    def after(self) -> str | None:
        """What is true."""

    @property
    def tomorrow(self) -> str | None:
        """What will be."""

    @property
    def turnover(self) -> Decimal:
        """Of the day."""

    @property
    def turnover_tomorrow(self) -> Decimal:
        """Of the day after."""

    @property
    def version(self) -> int | None:
        """Of the record that was written."""

    @property
    def moved(self) -> bool:
        """Whether another tier was found than was recorded."""

    @property
    def falls(self) -> bool:
        """Whether the tier will be lower tomorrow."""


def sums_of(code: str, programme: Programme, rules: TurnoverDiscount, day: date, ids: tuple[UUID, UUID] = ALL) -> Sums:
    """What the statements compute: the discounts of a local day, of the resellers from one id to another."""
    bounds = bounds_of(day, programme.zone)
    tiers: Sequence[Tier | None] = (None, *rules.tiers)
    shares = [{family: number(one) for family, one in percentages(rules, tier).items()} for tier in tiers]
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


def record(book: DiscountBook, session: Session, sums: Sums) -> Finding | None:
    """Compute one reseller's discount from its payments and write it if it differs; None: no such reseller.

    The caller tells people. Nobody else can write meanwhile: the record is locked before it is read.
    """
    while True:
        discounts.current(session, sums.first, lock=True)
        row = discount_sets.record(session, sums, book.now)
        if row is None or not row.overtaken:
            return cast("Finding | None", row)
