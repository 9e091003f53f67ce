"""Licence grants: which run at an instant, and how offer lines change them."""

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

    `key` is the caller's identifier (the row's id); the rules do not use it.
    """

    product: str
    count: int
    starts_at: datetime
    ends_at: datetime
    key: object = None

    def runs(self, now: datetime) -> bool:
        """Return whether the grant counts at an instant."""
        return self.starts_at <= now < self.ends_at


@dataclass(frozen=True, slots=True)
class Holding:
    """An account's balance of a product: the sum of its running grants and the next end."""

    product: str
    count: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """Change of one product's count on acceptance."""

    product: str
    now: int
    then: int

    @property
    def delta(self) -> int:
        """Licences gained (negative: lost)."""
        return self.then - self.now

    def __str__(self) -> str:
        noun = "licence" if self.now == 1 else "licences"
        return f"{self.now} {noun} -> {self.then} ({self.delta:+d})"


@dataclass(frozen=True, slots=True)
class Provision:
    """Effect of one acceptance: the grants it ends now, and one new grant per line."""

    ended: tuple[Grant, ...]
    added: tuple[Grant, ...]


def total(grants: Iterable[Grant], product: str, now: datetime) -> int:
    """Return the sum of a product's running grants."""
    return sum(grant.count for grant in grants if grant.product == product and grant.runs(now))


def next_end(grants: Iterable[Grant], product: str, now: datetime) -> datetime | None:
    """Return the earliest end of a product's running grants; `None` if none runs."""
    return min((g.ends_at for g in grants if g.product == product and g.runs(now)), default=None)


def holdings(grants: Sequence[Grant], now: datetime) -> tuple[Holding, ...]:
    """Return the balance at `now`, one entry per product, sorted by product code."""
    ends = {product: next_end(grants, product, now) for product in sorted({g.product for g in grants})}
    return tuple(Holding(product, total(grants, product, now), end) for product, end in ends.items() if end is not None)


def provision(grants: Sequence[Grant], lines: Sequence[OfferLine], now: datetime, tz: ZoneInfo) -> Provision:
    """Apply an accepted offer's lines in their order at `now` (programme.md 5.7).

    Absolute ends every running grant of its product, those of earlier lines of the same offer
    included (they are then added with `ends_at` = `now`). Terms are counted in `tz`.
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
    """Return the grants after a provision at `now` is written."""
    kept = (replace(grant, ends_at=now) if grant in done.ended else grant for grant in grants)
    return (*kept, *done.added)


def preview(grants: Sequence[Grant], lines: Sequence[OfferLine], now: datetime, tz: ZoneInfo) -> tuple[Change, ...]:
    """Return what accepting the lines at `now` would change, one entry per product, in line order."""
    result = after(grants, provision(grants, lines, now, tz), now)
    products = dict.fromkeys(line.product for line in lines)
    return tuple(Change(code, total(grants, code, now), total(result, code, now)) for code in products)


def ending_reminder(grant: Grant) -> datetime | None:
    """Return when to remind admin and reseller of the end: 14 days before; `None` for a shorter grant."""
    at = grant.ends_at - ENDING_LEAD
    return at if at > grant.starts_at else None


def _granted(line: OfferLine, now: datetime, tz: ZoneInfo) -> Grant:
    end = max(now, term_end(now, line.parsed_term, tz))
    return Grant(line.product, line.count, now, end)
