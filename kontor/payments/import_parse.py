"""Parse a payment file: every row is a payment or an error with its line number. No database."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Final, TextIO

from kontor.kernel.errors import Invalid, KontorError
from kontor.kernel.money import parse_amount
from kontor.kernel.states import PaymentKind
from kontor.kernel.zones import day_start
from kontor.payments.service import normalize_reference, reject_future
from kontor.programme.model import Programme

REQUIRED: Final = ("amount", "paid_at", "reference")
OPTIONAL: Final = ("kind", "currency")
DELIMITERS: Final = (",", ";", "\t")
YEARS: Final = range(1900, 9000)
BLOCK_SIZE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """A valid row with its line number; the instant is aware."""

    line: int
    reference: str
    kind: PaymentKind
    amount: Decimal
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class RowError:
    """An invalid row with its error."""

    line: int
    error: str


@dataclass(frozen=True, slots=True)
class PaymentFile:
    """A CSV file in UTF-8 with a header, separated by commas, semicolons or tabs.

    Payments after `now` are invalid.
    """

    path: Path
    programme: Programme
    now: datetime

    def digest(self) -> str:
        """Return the SHA-256 of the file in hex; it identifies the import."""
        sha = sha256()
        with self.path.open("rb") as source:
            while block := source.read(BLOCK_SIZE):
                sha.update(block)
        return sha.hexdigest()

    def rows(self, at: Callable[[int], None] | None = None) -> Iterator[ParsedRow | RowError]:
        """Yield the rows in order; calls `at` with every 1,000th line. Raises Invalid on a bad header or encoding."""
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as source:
                yield from self._rows(source, at or (lambda _: None))
        except UnicodeDecodeError:
            line = self._first_invalid_line()
            raise Invalid("invalid", f"{self.path.name} is not UTF-8 (line {line}): save the file as UTF-8.") from None
        except OSError as error:
            raise Invalid("invalid", f"{self.path} cannot be read: {error.strerror}.") from None

    def _rows(self, source: TextIO, at: Callable[[int], None]) -> Iterator[ParsedRow | RowError]:
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
                yield RowError(reader.line_num + 1, f"invalid CSV: {error}")
                continue
            line = reader.line_num + 1
            if line % 1_000 == 0:
                at(line)
            if any(cell.strip() for cell in cells):
                yield self._row(line, columns, cells)

    def _first_invalid_line(self) -> int:
        with self.path.open("rb") as source:
            for number, line in enumerate(source, 1):
                if line.decode("utf-8", "replace").encode() != line:
                    return number
        return 0

    def _row(self, line: int, columns: list[str], cells: list[str]) -> ParsedRow | RowError:
        if len(cells) != len(columns):
            return RowError(line, f"has {len(cells)} cells instead of {len(columns)}")
        values = dict(zip(columns, (cell.strip() for cell in cells), strict=True))
        currency = values.get("currency") or self.programme.currency
        if currency != self.programme.currency:
            return RowError(
                line, f"currency {currency} differs from the programme's currency {self.programme.currency}"
            )
        kind = values.get("kind") or PaymentKind.PAYMENT.value
        if kind not in list(PaymentKind):
            return RowError(line, f"unknown kind {kind!r}: use {', '.join(PaymentKind)}")
        try:
            amount = parse_amount(values["amount"], currency)
            paid_at = self._parse_instant(values["paid_at"])
            reject_future(paid_at, self.now)
            return ParsedRow(line, normalize_reference(values["reference"]), PaymentKind(kind), amount, paid_at)
        except KontorError as error:
            return RowError(line, error.message)

    def _parse_instant(self, text: str) -> datetime:
        """Parse an instant with offset, or a local day, meaning its first instant. Raises Invalid."""
        try:
            if len(text) == len("2026-01-31"):
                day = date.fromisoformat(text)
                parsed: datetime | None = day_start(day, self.programme.zone) if day.year in YEARS else None
            else:
                instant = datetime.fromisoformat(text)
                parsed = instant if instant.utcoffset() is not None and instant.year in YEARS else None
        except (ValueError, OverflowError):
            parsed = None
        if parsed is None:
            message = f"paid_at {text!r}: use a day such as 2026-01-31, or an instant with UTC offset."
            raise Invalid("invalid", message)
        return parsed


def _columns(header: str, delimiter: str) -> list[str]:
    """Return the column names. Raises Invalid when one is missing, unknown or repeated."""
    names = [name.strip().casefold() for name in next(csv.reader([header], delimiter=delimiter), [])]
    missing = [name for name in REQUIRED if name not in names]
    unknown = [name for name in names if name not in (*REQUIRED, *OPTIONAL)]
    if missing or unknown or len(set(names)) < len(names):
        problems = [f"{', '.join(missing)} missing"] if missing else []
        problems += [f"{', '.join(map(repr, unknown))} unknown"] if unknown else []
        problem = "; ".join(problems) or "a column is repeated"
        expected = f"{', '.join(REQUIRED)}; optional: {', '.join(OPTIONAL)}"
        raise Invalid("invalid", f"The first line must name the columns ({expected}): {problem}.")
    return names
