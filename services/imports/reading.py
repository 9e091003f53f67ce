"""Reading a file of payments: every row is a payment or a complaint with its line. No database."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Final, TextIO

from domain.errors import Invalid, KontorError
from domain.money import parse_amount
from domain.programme.model import Programme
from domain.tiers import PaymentKind
from domain.zones import day_start
from services.payments import checked_reference, refuse_future

NEEDED: Final = ("amount", "paid_at", "reference")
OPTIONAL: Final = ("kind", "currency")
DELIMITERS: Final = (",", ";", "\t")
YEARS: Final = range(1900, 9000)
BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """A checked row, by its line in the file; the instant is aware."""

    line: int
    reference: str
    kind: PaymentKind
    amount: Decimal
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class BadRow:
    """What is wrong with a row."""

    line: int
    error: str


@dataclass(frozen=True, slots=True)
class PaymentFile:
    """A CSV file in UTF-8 with a header; separated by commas, semicolons or tabs, whichever its header uses.

    `now` bounds the payments: none is in the future.
    """

    path: Path
    programme: Programme
    now: datetime

    def digest(self) -> str:
        """SHA-256 of its bytes, in hex: the same file again is the same import."""
        found = sha256()
        with self.path.open("rb") as source:
            while block := source.read(BLOCK):
                found.update(block)
        return found.hexdigest()

    def rows(self, at: Callable[[int], None] | None = None) -> Iterator[Row | BadRow]:
        """Every row in order; `at` is told the line now and then. Raises Invalid on a bad header or encoding."""
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as source:
                yield from self._rows(source, at or (lambda _: None))
        except UnicodeDecodeError:
            line = self._first_line_that_is_not_utf8()
            raise Invalid("invalid", f"{self.path.name} is not UTF-8 in line {line}: save it as UTF-8.") from None
        except OSError as error:
            raise Invalid("invalid", f"{self.path} cannot be read: {error.strerror}.") from None

    def _rows(self, source: TextIO, at: Callable[[int], None]) -> Iterator[Row | BadRow]:
        header = source.readline()
        delimiter = max(DELIMITERS, key=header.count)
        columns = _columns(header, delimiter)
        reader = csv.reader(source, delimiter=delimiter, strict=True)
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield BadRow(reader.line_num + 1, f"is not CSV: {error}")
                continue
            line = reader.line_num + 1
            if line % 1_000 == 0:
                at(line)
            if any(cell.strip() for cell in cells):
                yield self._row(line, columns, cells)

    def _first_line_that_is_not_utf8(self) -> int:
        with self.path.open("rb") as source:
            for number, line in enumerate(source, 1):
                if line.decode("utf-8", "replace").encode() != line:
                    return number
        return 0

    def _row(self, line: int, columns: list[str], cells: list[str]) -> Row | BadRow:
        if len(cells) != len(columns):
            return BadRow(line, f"has {len(cells)} cells instead of {len(columns)}")
        cell = dict(zip(columns, (one.strip() for one in cells), strict=True))
        currency = cell.get("currency") or self.programme.currency
        if currency != self.programme.currency:
            return BadRow(line, f"currency {currency}: the programme's is {self.programme.currency}")
        kind = cell.get("kind") or PaymentKind.PAYMENT.value
        if kind not in list(PaymentKind):
            return BadRow(line, f"kind {kind!r}: {', '.join(PaymentKind)}")
        try:
            amount = parse_amount(cell["amount"], currency)
            paid_at = self._instant(cell["paid_at"])
            refuse_future(paid_at, self.now)
            return Row(line, checked_reference(cell["reference"]), PaymentKind(kind), amount, paid_at)
        except KontorError as error:
            return BadRow(line, error.message)

    def _instant(self, text: str) -> datetime:
        """An instant with an offset, or a local day, which means its first instant. Raises Invalid."""
        try:
            if len(text) == len("2026-01-31"):
                day = date.fromisoformat(text)
                found: datetime | None = day_start(day, self.programme.zone) if day.year in YEARS else None
            else:
                instant = datetime.fromisoformat(text)
                found = instant if instant.utcoffset() is not None and instant.year in YEARS else None
        except (ValueError, OverflowError):
            found = None
        if found is None:
            message = f"paid_at {text!r}: give a day such as 2026-01-31, or an instant with its offset."
            raise Invalid("invalid", message)
        return found


def _columns(header: str, delimiter: str) -> list[str]:
    """The names of the columns. Raises Invalid when one is missing, unknown or there twice."""
    names = [name.strip().casefold() for name in next(csv.reader([header], delimiter=delimiter), [])]
    missing = [name for name in NEEDED if name not in names]
    unknown = [name for name in names if name not in (*NEEDED, *OPTIONAL)]
    if missing or unknown or len(set(names)) < len(names):
        wrong = [f"{', '.join(missing)} missing"] if missing else []
        wrong += [f"{', '.join(map(repr, unknown))} unknown"] if unknown else []
        told = "; ".join(wrong) or "a column is there twice"
        wanted = f"{', '.join(NEEDED)} and perhaps {', '.join(OPTIONAL)}"
        raise Invalid("invalid", f"The first line names the columns ({wanted}): {told}.")
    return names
