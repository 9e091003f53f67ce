"""Grants of licences: what runs at an instant, and what a line of an offer does to it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from domain.lines import LineMode, OfferLine
from domain.terms import term_end

ENDING_LEAD: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Grant:
    """`count` licences of a product from `starts_at` to before `ends_at` (aware instants).

    `key` is the caller's own name for it (the row's id); it plays no part in the rules.
    """

    product: str
    count: int
    starts_at: datetime
    ends_at: datetime
    key: object = None

    def runs(self, now: datetime) -> bool:
        """Whether it counts at that instant."""
        return self.starts_at <= now < self.ends_at


@dataclass(frozen=True, slots=True)
class Holding:
    """What an account has of a product: the sum of its running grants and the next end."""

    product: str
    count: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """What accepting would do to one product's count."""

    product: str
    now: int
    then: int

    @property
    def delta(self) -> int:
        """Seats won (or lost, below zero)."""
        return self.then - self.now

    def __str__(self) -> str:
        noun = "seat" if self.now == 1 else "seats"
        return f"{self.now} {noun} -> {self.then} ({self.delta:+d})"


@dataclass(frozen=True, slots=True)
class Provision:
    """What one acceptance writes: the grants it ends now, and one new grant per line."""

    ended: tuple[Grant, ...]
    added: tuple[Grant, ...]


def total(grants: Iterable[Grant], product: str, now: datetime) -> int:
    """The sum of the product's running grants."""
    return sum(grant.count for grant in grants if grant.product == product and grant.runs(now))


def next_end(grants: Iterable[Grant], product: str, now: datetime) -> datetime | None:
    """When the first of the product's running grants ends; `None` when none runs."""
    return min((g.ends_at for g in grants if g.product == product and g.runs(now)), default=None)


def holdings(grants: Sequence[Grant], now: datetime) -> tuple[Holding, ...]:
    """What runs at `now`, one entry per product, in the order of the products' codes."""
    ends = {product: next_end(grants, product, now) for product in sorted({g.product for g in grants})}
    return tuple(Holding(product, total(grants, product, now), end) for product, end in ends.items() if end is not None)


def provision(grants: Sequence[Grant], lines: Sequence[OfferLine], now: datetime, tz: ZoneInfo) -> Provision:
    """Apply an accepted offer's lines in their order at `now` (programme.md 5.7).

    Absolute ends every running grant of its product, those of earlier lines of the same offer
    included (they are then added with `ends_at` = `now`). `tz` is where the terms are counted.
    """
    before = tuple(grant for grant in grants if grant.runs(now))
    added: tuple[Grant, ...] = ()
    replaced: set[str] = set()
    for line in lines:
        if line.mode is LineMode.ABSOLUTE:
            replaced.add(line.product)
            added = tuple(replace(g, ends_at=now) if g.product == line.product else g for g in added)
        added = (*added, _granted(line, now, tz))
    return Provision(tuple(grant for grant in before if grant.product in replaced), added)


def after(grants: Sequence[Grant], done: Provision, now: datetime) -> tuple[Grant, ...]:
    """The grants as they are once a provision at `now` is written."""
    kept = (replace(grant, ends_at=now) if grant in done.ended else grant for grant in grants)
    return (*kept, *done.added)


def preview(grants: Sequence[Grant], lines: Sequence[OfferLine], now: datetime, tz: ZoneInfo) -> tuple[Change, ...]:
    """What would change if the lines were accepted at `now`, one entry per product, in line order."""
    then = after(grants, provision(grants, lines, now, tz), now)
    products = dict.fromkeys(line.product for line in lines)
    return tuple(Change(code, total(grants, code, now), total(then, code, now)) for code in products)


def ending_reminder(grant: Grant) -> datetime | None:
    """When admin and reseller are told that it ends: 14 days before; `None` for a shorter grant."""
    at = grant.ends_at - ENDING_LEAD
    return at if at > grant.starts_at else None


def _granted(line: OfferLine, now: datetime, tz: ZoneInfo) -> Grant:
    end = max(now, term_end(now, line.parsed_term, tz))
    return Grant(line.product, line.count, now, end)
