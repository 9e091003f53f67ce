"""What a payment file looks like: which column holds what, how it writes numbers and days. No database."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Final

from kontor.payments.import_records import Record
from kontor.payments.import_values import NumberStyle

REMEMBERED: Final = 1_000
PLAIN: Final = NumberStyle()
EXCEL_TEXT: Final = re.compile(r'="(.*)"')
UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "\N{ZERO WIDTH NO-BREAK SPACE}": ""})


class Role(StrEnum):
    """What a column holds."""

    DAY = "paid_at"
    VALUE_DAY = "value_day"
    TIME = "time"
    ZONE = "zone"
    AMOUNT = "amount"
    DEBIT = "debit"
    CREDIT = "credit"
    SIDE = "side"
    ORIGINAL = "original"
    REFUNDED = "refunded"
    CURRENCY = "currency"
    KIND = "kind"
    STATUS = "status"
    REFERENCE = "reference"
    RESELLER = "reseller"


class Movement(StrEnum):
    """What the type of a row says about it."""

    PAYMENT = "payment"
    REFUND = "refund"
    CHARGEBACK = "chargeback"
    TRANSFER = "a transfer to or from the own bank account"
    FEE = "a fee of the payment service"
    BANK_FEE = "a fee of the bank"
    OTHER = "neither a payment nor the reversal of one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One kind of file. Names of columns are folded; of several names for a role the first that is there counts.

    `signature`: the columns by which it is recognised. `movements`: patterns of the type column with their meaning,
    the first that fits counts. `signed`: a minus sign means money that went out; otherwise the type alone may say so.
    `typed`: a row without a type that is understood is in doubt. `settled`: states of a row that is booked; None: any.
    `reference_in`: finds the reference inside its column. `volatile`: columns that differ between two exports of a row.
    """

    name: str
    columns: Mapping[Role, tuple[str, ...]]
    signature: frozenset[str] = frozenset()
    currency: str | None = None
    number: NumberStyle = PLAIN
    date: re.Pattern[str] | None = None
    movements: tuple[tuple[re.Pattern[str], Movement], ...] = ()
    signed: bool = True
    typed: bool = False
    skips_zero: bool = True
    settled: frozenset[str] | None = None
    reference_in: re.Pattern[str] | None = None
    footers: frozenset[str] = frozenset()
    volatile: frozenset[str] = frozenset()
    repeats: bool = True
    header: tuple[str, ...] | None = None
    first_row: re.Pattern[str] | None = None

    def movement(self, text: str) -> Movement | None:
        """Return what a type says; None when it says nothing."""
        words = fold(text)
        return next((meaning for pattern, meaning in self.movements if words and pattern.search(words)), None)


READ: Final = frozenset(Role) - {Role.KIND, Role.REFERENCE, Role.RESELLER}
"""Roles whose cells are compared by their meaning; the others count as the row's text."""


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a file: their folded names, the place of each role, and the places that count as text."""

    layout: Layout
    names: tuple[str, ...]
    places: Mapping[Role, int] = field(default_factory=dict)
    texts: tuple[int, ...] = ()
    utc: bool = False

    @classmethod
    def of(cls, layout: Layout, names: Sequence[str]) -> Header:
        """Find the place of each role; a repeated name counts where it stands last."""
        last = {name: place for place, name in enumerate(names)}
        places = {
            role: last[name] for role, choices in layout.columns.items() for name in reversed(choices) if name in last
        }
        values = {place for role, place in places.items() if role in READ}
        texts = (place for place, name in enumerate(names) if place not in values and name not in layout.volatile)
        utc = Role.DAY in places and "utc" in names[places[Role.DAY]]
        return cls(layout, tuple(names), places, tuple(texts), utc)

    def repeated(self) -> list[str]:
        """Return the names of columns with a role that stand there twice."""
        roles = {self.names[place] for place in self.places.values()}
        return sorted(name for name in roles if self.names.count(name) > 1)


@lru_cache(REMEMBERED)
def fold(text: str) -> str:
    """Return a name without case, umlauts and odd blanks: `Währung` and `Waehrung` are one."""
    plain = unicodedata.normalize("NFKC", text).casefold().translate(UMLAUTS)
    return " ".join(plain.split())


def recognised(names: Iterable[str], layouts: Iterable[Layout]) -> Layout | None:
    """Return the layout whose signature is in a header, the most specific one."""
    there = set(names)
    fitting = [layout for layout in layouts if layout.signature and layout.signature <= there]
    return max(fitting, key=lambda layout: len(layout.signature), default=None)


@dataclass(frozen=True, slots=True)
class RowFields:
    """One row: the first line of its record, its cells by role, and its texts, which identify it with its values.

    `problem`: why it cannot be read; `skipped`: why it is no payment; `utc`: a time without a zone is UTC.
    """

    line: int
    values: Mapping[Role, str] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    problem: str | None = None
    skipped: str | None = None
    utc: bool = False


def fields_of(record: Record, header: Header) -> RowFields | None:
    """Return the fields of a record; None when it is blank or a footer."""
    if record.error is not None:
        return RowFields(record.line, problem=record.error)
    cells = [cleaned(cell) for cell in record.cells]
    footers = header.layout.footers
    if not any(cells) or (footers and any(fold(cell) in footers for cell in cells)):
        return None
    width = len(header.names)
    while len(cells) > width and not cells[-1]:
        cells.pop()
    if len(cells) != width:
        return RowFields(record.line, problem=f"has {len(cells)} cells instead of {width}")
    values = {role: cells[place] for role, place in header.places.items()}
    texts = tuple(cells[place] for place in header.texts if cells[place])
    return RowFields(record.line, values, texts, utc=header.utc)


def cleaned(cell: str) -> str:
    """Return a cell without the blanks around it and without Excel's mark of a text."""
    text = cell.strip()
    marked = EXCEL_TEXT.fullmatch(text) if text.startswith("=") else None
    return marked[1].strip() if marked else text
