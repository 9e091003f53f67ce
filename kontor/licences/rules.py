"""Terms, offer lines and grants: what runs at an instant, and what an offer line does to it (programme.md 5)."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from kontor.kernel.errors import FieldError
from kontor.kernel.states import LineMode
from kontor.kernel.terms import InvalidTerm, Term, parse_term, term_end

COUNT_LIMIT: Final = 1_000_000
LINES_LIMIT: Final = 100


@dataclass(frozen=True, slots=True)
class OfferLine:
    """One line; `term` is the text of an ISO 8601 duration or of a last day."""

    product: str
    count: int
    mode: LineMode
    term: str

    @property
    def parsed_term(self) -> Term:
        """The term as a value; raises `InvalidTerm`."""
        return parse_term(self.term)

    @classmethod
    def from_document(cls, document: Mapping[str, object]) -> "OfferLine":
        """Read a line as stored; raises `ValueError` or `KeyError` on anything else."""
        count, mode = int(str(document["count"])), LineMode(str(document["mode"]))
        return cls(str(document["product"]), count, mode, str(document["term"]))


def line_errors(lines: Sequence[OfferLine], products: Container[str]) -> tuple[FieldError, ...]:
    """Return every error in a template's lines; empty when they are valid, or none."""
    if len(lines) > LINES_LIMIT:
        return (FieldError("lines", f"at most {LINES_LIMIT} lines are allowed"),)
    return tuple(
        FieldError(f"lines.{index}.{field}", msg)
        for index, line in enumerate(lines)
        for field, msg in _errors(line, products)
    )


def term_errors(lines: Sequence[OfferLine], allowed: Mapping[str, Sequence[str]]) -> tuple[FieldError, ...]:
    """Return an error for each valid line whose product is limited to other terms; `allowed`: by product."""
    return tuple(
        FieldError(f"lines.{index}.term", f"{line.product} is offered for {', '.join(allowed[line.product])} only")
        for index, line in enumerate(lines)
        if allowed.get(line.product) and line.parsed_term not in {parse_term(term) for term in allowed[line.product]}
    )


def unknown_products(lines: Iterable[OfferLine], products: Container[str]) -> tuple[str, ...]:
    """Return the products that the programme does not have, each once, in order."""
    return tuple(dict.fromkeys(line.product for line in lines if line.product not in products))


def expired_line_errors(lines: Sequence[OfferLine], now: datetime, tz: ZoneInfo) -> tuple[FieldError, ...]:
    """Return an error for each line whose last day has passed."""
    return tuple(
        FieldError(f"lines.{index}.term", f"{line.term} has passed")
        for index, line in enumerate(lines)
        if term_end(now, line.parsed_term, tz) <= now
    )


def _errors(line: OfferLine, products: Container[str]) -> Iterable[tuple[str, str]]:
    if line.product not in products:
        yield "product", f"unknown product {line.product!r}"
    if not 1 <= line.count <= COUNT_LIMIT:
        yield "count", f"a count must be 1 to {COUNT_LIMIT}"
    try:
        parse_term(line.term)
    except InvalidTerm as error:
        yield "term", str(error)


ENDING_REMINDER_LEAD: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class LicenceGrant:
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
class Balance:
    """An account's balance of a product: the sum of its running grants and the next end; None when none runs."""

    product: str
    count: int
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class CountChange:
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
class GrantChanges:
    """Effect of one acceptance: the grants it ends now, and one new grant per line."""

    ended: tuple[LicenceGrant, ...]
    added: tuple[LicenceGrant, ...]


def licence_count(grants: Iterable[LicenceGrant], product: str, now: datetime) -> int:
    """Return the sum of a product's running grants."""
    return sum(grant.count for grant in grants if grant.product == product and grant.runs(now))


def next_end(grants: Iterable[LicenceGrant], product: str, now: datetime) -> datetime | None:
    """Return the earliest end of a product's running grants; `None` if none runs."""
    return min((g.ends_at for g in grants if g.product == product and g.runs(now)), default=None)


def balances(grants: Sequence[LicenceGrant], now: datetime) -> tuple[Balance, ...]:
    """Return the balance at `now`, one entry per product, sorted by product code."""
    ends = {product: next_end(grants, product, now) for product in sorted({g.product for g in grants})}
    return tuple(
        Balance(product, licence_count(grants, product, now), end) for product, end in ends.items() if end is not None
    )


def apply_lines(
    grants: Sequence[LicenceGrant], lines: Sequence[OfferLine], now: datetime, tz: ZoneInfo
) -> GrantChanges:
    """Apply an accepted offer's lines in their order at `now` (programme.md 5.7).

    Absolute ends every running grant of its product, those of earlier lines of the same offer
    included (they are then added with `ends_at` = `now`). Terms are counted in `tz`.
    """
    before = tuple(grant for grant in grants if grant.runs(now))
    added: tuple[LicenceGrant, ...] = ()
    replaced: set[str] = set()
    for line in lines:
        if line.mode is LineMode.ABSOLUTE:
            replaced.add(line.product)
            added = tuple(replace(g, ends_at=now) if g.product == line.product else g for g in added)
        added = (*added, _granted(line, now, tz))
    return GrantChanges(tuple(grant for grant in before if grant.product in replaced), added)


def resulting_grants(grants: Sequence[LicenceGrant], done: GrantChanges, now: datetime) -> tuple[LicenceGrant, ...]:
    """Return the grants after a provision at `now` is written."""
    kept = (replace(grant, ends_at=now) if grant in done.ended else grant for grant in grants)
    return (*kept, *done.added)


def preview_changes(
    grants: Sequence[LicenceGrant], lines: Sequence[OfferLine], now: datetime, tz: ZoneInfo
) -> tuple[CountChange, ...]:
    """Return what accepting the lines at `now` would change, one entry per product, in line order."""
    result = resulting_grants(grants, apply_lines(grants, lines, now, tz), now)
    products = dict.fromkeys(line.product for line in lines)
    return tuple(
        CountChange(code, licence_count(grants, code, now), licence_count(result, code, now)) for code in products
    )


def ending_reminder_at(grant: LicenceGrant) -> datetime | None:
    """Return when to remind admin and reseller of the end: 14 days before; `None` for a shorter grant."""
    at = grant.ends_at - ENDING_REMINDER_LEAD
    return at if at > grant.starts_at else None


def _granted(line: OfferLine, now: datetime, tz: ZoneInfo) -> LicenceGrant:
    end = max(now, term_end(now, line.parsed_term, tz))
    return LicenceGrant(line.product, line.count, now, end)
