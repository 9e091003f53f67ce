"""Offer lines: product, licence count, mode and term."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from domain.errors import FieldError
from domain.terms import BadTerm, Term, parse_term, term_end

COUNT_LIMIT: Final = 1_000_000
LINES_LIMIT: Final = 100


class LineMode(StrEnum):
    """Absolute N replaces the account's licences of the product; relative N is added to them."""

    ABSOLUTE = "absolute"
    RELATIVE = "relative"


@dataclass(frozen=True, slots=True)
class OfferLine:
    """One line; `term` is the text of an ISO 8601 duration or of a last day."""

    product: str
    count: int
    mode: LineMode
    term: str

    @property
    def parsed_term(self) -> Term:
        """The term as a value; raises `BadTerm`."""
        return parse_term(self.term)

    def to_document(self) -> dict[str, object]:
        """Return the JSON form of the contract."""
        return {"product": self.product, "count": self.count, "mode": self.mode.value, "term": self.term}

    @classmethod
    def from_document(cls, document: Mapping[str, object]) -> "OfferLine":
        """Reverse `to_document`; raises `ValueError` or `KeyError` on anything else."""
        count, mode = int(str(document["count"])), LineMode(str(document["mode"]))
        return cls(str(document["product"]), count, mode, str(document["term"]))


def check_lines(lines: Sequence[OfferLine], products: Container[str]) -> tuple[FieldError, ...]:
    """Return every error in a template's lines; empty when they are valid."""
    if not 1 <= len(lines) <= LINES_LIMIT:
        return (FieldError("lines", f"1 to {LINES_LIMIT} lines are required"),)
    return tuple(
        FieldError(f"lines.{index}.{field}", msg)
        for index, line in enumerate(lines)
        for field, msg in _errors(line, products)
    )


def unknown_products(lines: Iterable[OfferLine], products: Container[str]) -> tuple[str, ...]:
    """Return the products that the programme does not have, each once, in order."""
    return tuple(dict.fromkeys(line.product for line in lines if line.product not in products))


def already_over(lines: Sequence[OfferLine], now: datetime, tz: ZoneInfo) -> tuple[FieldError, ...]:
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
    except BadTerm as error:
        yield "term", str(error)
