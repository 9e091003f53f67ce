"""A file of new clients: CSV as spreadsheets write it, read into rows. No database."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kontor.accounts.payloads import METADATA, FileRow
from kontor.kernel.encodings import decoded
from kontor.kernel.serialization import BYTE_ORDER_MARK, escape_cell

MOST_ROWS: Final = 500
MOST_BYTES: Final = 512 * 1024
REQUIRED: Final = ("name", "admin_email")
COLUMNS: Final = (*REQUIRED, "locale", "timezone", "external_id")
ALIASES: Final[Mapping[str, str]] = {"account": "name"}
"""Names of columns of the exported list that mean one of ours."""
WHY: Final = "why"
"""The column that refused rows have in addition; it is not read."""
DELIMITERS: Final = (";", ",", "\t", "|")
SEPARATOR_LINE: Final = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)
WORKBOOK: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""What the files of a spreadsheet program begin with."""


class FileFault(StrEnum):
    """Why no row of a file was read."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    WORKBOOK = "workbook"
    ENCODING = "encoding"
    COLUMNS = "columns"
    COLUMN_TWICE = "column_twice"
    NO_ROWS = "no_rows"
    TOO_MANY_ROWS = "too_many_rows"
    DAMAGED = "damaged"


class UnreadableFile(Exception):
    """A file whose rows cannot be read; `fault` says why."""

    def __init__(self, fault: FileFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class ClientFile:
    """The rows of a file; `unread`: its columns that mean nothing here."""

    rows: Sequence[FileRow]
    unread: Sequence[str]


def text_of(content: bytes, language: str) -> str:
    """Return the text of an uploaded file; `language`: its reader's. Raises UnreadableFile."""
    if content.startswith(WORKBOOK):
        raise UnreadableFile(FileFault.WORKBOOK)
    if len(content) > MOST_BYTES:
        raise UnreadableFile(FileFault.TOO_LARGE)
    try:
        return decoded(content, language).replace("\x00", "")
    except UnicodeDecodeError:
        raise UnreadableFile(FileFault.ENCODING) from None


def read(text: str) -> ClientFile:
    """Read the rows of a file. Raises UnreadableFile."""
    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise UnreadableFile(FileFault.TOO_LARGE)
    records = _records(text.removeprefix(BYTE_ORDER_MARK).lstrip(" \r\n"))
    if not records:
        raise UnreadableFile(FileFault.EMPTY)
    (_, heading), *rest = records
    columns = [_column(cell) for cell in heading]
    _require_columns(columns)
    if not rest:
        raise UnreadableFile(FileFault.NO_ROWS)
    if len(rest) > MOST_ROWS:
        raise UnreadableFile(FileFault.TOO_MANY_ROWS)
    rows = [FileRow(number, _values(columns, cells)) for number, cells in rest]
    unread = [cell.strip() for cell, column in zip(heading, columns, strict=True) if not column and cell.strip()]
    return ClientFile(rows, unread)


def _records(text: str) -> list[tuple[int, list[str]]]:
    """Return the records that are not blank, each with its number."""
    separator = SEPARATOR_LINE.match(text)
    body = text[separator.end() :] if separator else text
    delimiter = separator[1] if separator else _delimiter(body)
    try:
        records = list(csv.reader(io.StringIO(body, newline=""), delimiter=delimiter))
    except csv.Error:
        raise UnreadableFile(FileFault.DAMAGED) from None
    return [(number, cells) for number, cells in enumerate(records, 1) if any(cell.strip() for cell in cells)]


def _delimiter(text: str) -> str:
    """Return what the line of columns is separated by most."""
    first = text.partition("\n")[0]
    return max(DELIMITERS, key=first.count) if any(each in first for each in DELIMITERS) else ","


def _column(cell: str) -> str:
    """Return the column that a heading names, empty for one that is not read."""
    name = cell.strip()
    if name.casefold().startswith(METADATA) and len(name) > len(METADATA):
        return METADATA + name[len(METADATA) :]
    folded = ALIASES.get(name.casefold(), name.casefold())
    return folded if folded in COLUMNS else ""


def _require_columns(columns: Sequence[str]) -> None:
    named = [column for column in columns if column]
    if not set(REQUIRED) <= set(named):
        raise UnreadableFile(FileFault.COLUMNS)
    if len(set(named)) < len(named):
        raise UnreadableFile(FileFault.COLUMN_TWICE)


def _values(columns: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """Return the cells of a row by column; those beyond the last column are left out."""
    pairs = zip(columns, cells, strict=False)
    return {column: text for column, cell in pairs if column and (text := _unescaped(cell.strip()))}


def _unescaped(cell: str) -> str:
    """Return a cell without the apostrophe with which our own files protect it."""
    return cell[1:] if cell.startswith("'") and escape_cell(cell[1:]) == cell else cell


def written(rows: Iterable[tuple[FileRow, str]]) -> bytes:
    """Return rows as a file that is read again, each with the reason why it was refused."""
    listed = list(rows)
    metadata = dict.fromkeys(name for row, _ in listed for name in row.values if name.startswith(METADATA))
    page = io.StringIO()
    writer = csv.writer(page, quoting=csv.QUOTE_ALL)
    page.write(BYTE_ORDER_MARK)
    columns = (*COLUMNS, *metadata)
    writer.writerow([*map(escape_cell, columns), WHY])
    for row, why in listed:
        writer.writerow([*(escape_cell(row.get(column)) for column in columns), escape_cell(why)])
    return page.getvalue().encode()
