"""Read a payment file: find its encoding, separators and layout, then read its rows. No database."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Final

from kontor.kernel.errors import Invalid
from kontor.payments.import_encoding import encoding_of
from kontor.payments.import_layouts import Header, Layout, Role, RowFields, fields_of, fold, recognised
from kontor.payments.import_mapping import Mapping
from kontor.payments.import_onec import FIRST_LINE, documents
from kontor.payments.import_presets import BANKS, ONE_C, OWN
from kontor.payments.import_records import LONGEST_LINE, Lines, Records
from kontor.payments.import_rows import RowReader, RowReading
from kontor.payments.import_services import PRESETS, SERVICE, is_service
from kontor.payments.import_values import MOMENTS, DayOrder, proved_order

DELIMITERS: Final = (";", ",", "\t", "|")
PREAMBLE: Final = 60
"""Lines before the names of the columns, at most."""
PROBE: Final = 500
"""Rows that are looked at for days such as 03/04/2026."""
SEPARATOR: Final = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
CALLS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Shape:
    """How a file is built: codec, layout and delimiter; `begins`: the line of its column names, 0 without them."""

    codec: str
    header: Header
    delimiter: str = ""
    begins: int = 0
    order: DayOrder | None = None


@dataclass(frozen=True, slots=True)
class PaymentFile:
    """A payment file whose shape is known."""

    path: Path
    shape: Shape

    @classmethod
    def of(cls, path: Path, mapping: Mapping = Mapping()) -> PaymentFile:  # noqa: B008 -- frozen
        """Find the shape of a file. Raises Invalid when it has none that is known, or cannot be read."""
        codec = mapping.encoding or encoding_of(path)
        with opened(path, codec) as lines:
            shape = shape_of(path, codec, lines, mapping)
        file = cls(path, shape)
        return cls(path, Shape(codec, shape.header, shape.delimiter, shape.begins, file.day_order()))

    @property
    def layout(self) -> Layout:
        """The layout of the file."""
        return self.shape.header.layout

    def readings(self, reader: RowReader, at: Callable[[int], None] | None = None) -> Iterator[RowReading]:
        """Read the rows in order; calls `at` with the line of every 1,000th. Raises Invalid when it cannot be read."""
        for number, fields in enumerate(self.fields(), 1):
            if at is not None and number % CALLS == 0:
                at(fields.line)
            yield reader.read(fields)

    def fields(self) -> Iterator[RowFields]:
        """Yield the fields of each row, blank ones and footers left out."""
        with opened(self.path, self.shape.codec) as lines:
            if self.layout.name == ONE_C.name:
                yield from documents(lines)
                return
            while lines.number < self.shape.begins:
                lines.next_line()
            for record in Records(lines, self.shape.delimiter):
                fields = fields_of(record, self.shape.header)
                if fields is not None:
                    yield fields

    def day_order(self) -> DayOrder | None:
        """Return what comes first in days such as `03/04/2026`; None when the file does not show it, or shows both."""
        days = (fields.values.get(Role.DAY, "") for fields in self.fields())
        if self.layout.date is not None or not any(MOMENTS[-1].fullmatch(day) for day in islice(days, PROBE)):
            return None
        proved = {proved_order(fields.values.get(Role.DAY, "")) for fields in self.fields()} - {None}
        return proved.pop() if len(proved) == 1 else None


@contextmanager
def opened(path: Path, codec: str) -> Iterator[Lines]:
    """Provide the lines of a file. Raises Invalid when it cannot be read."""
    try:
        with path.open(encoding="utf-8-sig" if codec == "utf-8" else codec, newline="") as source:
            yield Lines(source)
    except (UnicodeDecodeError, LookupError):
        raise Invalid("invalid", f"{path.name} is not {codec.upper()}.") from None
    except OSError as error:
        raise Invalid("invalid", f"{path} cannot be read: {error.strerror}.") from None


def shape_of(path: Path, codec: str, lines: Lines, mapping: Mapping) -> Shape:
    """Find layout, delimiter and column names in the first lines. Raises Invalid."""
    delimiters = (mapping.delimiter,) if mapping.delimiter else DELIMITERS
    first = ""
    while lines.number < PREAMBLE + mapping.lines and (line := lines.next_line()) is not None:
        if lines.cut:
            message = (
                f"Line {lines.number} of {path.name} is longer than {LONGEST_LINE} characters; is it a payment file?"
            )
            raise Invalid("invalid", message)
        line = line.lstrip("\N{ZERO WIDTH NO-BREAK SPACE}")
        if mark := SEPARATOR.fullmatch(line):
            delimiters = (mark[1],)
            continue
        if line.startswith(FIRST_LINE) and any(layout.name == ONE_C.name for layout in mapping.layouts or (ONE_C,)):
            return Shape(codec, Header.of(ONE_C, ()))
        first = first or line
        if lines.number <= mapping.lines:
            continue
        for delimiter in delimiters:
            if header := header_in(line, delimiter, mapping):
                begins = lines.number if header.layout.header is None else lines.number - 1
                return Shape(codec, checked(header, path), delimiter, begins)
    raise unknown(path, first, mapping)


def header_in(line: str, delimiter: str, mapping: Mapping) -> Header | None:
    """Return the header that a line is; None when it is none."""
    choices = mapping.layouts or (*PRESETS, SERVICE)
    for layout in choices:
        if layout.first_row is not None and layout.header is not None and layout.first_row.fullmatch(line):
            return Header.of(mapping.adjusted(layout), layout.header) if delimiter == ";" else None
    try:
        names = [fold(name) for name in next(csv.reader([line], delimiter=delimiter, strict=True), [])]
    except csv.Error:
        return None
    fitting = recognised(names, choices)
    if fitting is None and is_service(frozenset(names)):
        fitting = next((each for each in choices if each.name == SERVICE.name), None)
    return Header.of(mapping.adjusted(fitting), names) if fitting is not None else None


def checked(header: Header, path: Path) -> Header:
    """Return the header. Raises Invalid when a column stands there twice, or its name seems to be a slip."""
    layout, names = header.layout, header.names
    twice = [] if layout.repeats else header.repeated()
    if twice:
        raise Invalid("invalid", f"{path.name}: the column {', '.join(map(repr, twice))} is repeated.")
    if layout.name != OWN.name:
        return header
    own = [role.value for role in layout.columns]
    for name in names:
        near = get_close_matches(name, own, 1, 0.8) if name not in own else []
        if near:
            raise Invalid("invalid", f"{path.name}: the column {name!r} is unknown; {near[0]!r} is near.")
    return header


def unknown(path: Path, first: str, mapping: Mapping) -> Invalid:
    """Return the error of a file that no layout fits."""
    if mapping.layouts:
        columns = " or ".join(", ".join(map(repr, sorted(layout.signature))) for layout in mapping.layouts)
        return Invalid("invalid", f"Columns are missing: no line of {path.name} names {columns}.")
    names = {fold(name) for name in re.split(r"[;,\t|]", first)}
    missing = [role.value for role in (Role.AMOUNT, Role.DAY) if role.value not in names]
    layouts = ", ".join(sorted(layout.name for layout in (*BANKS, ONE_C, SERVICE)))
    message = (
        f"No layout fits {path.name}: of our own columns {', '.join(missing)} missing. It may be one of {layouts};"
        " for another, name its columns with --mapping."
    )
    return Invalid("invalid", message)
