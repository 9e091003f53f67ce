"""Canonical JSON for hashes, lines of CSV, and cells that no spreadsheet runs as a formula."""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID


def canonical_json(value: object) -> str:
    """Serialize with sorted keys, no spaces, and instants in UTC with microseconds.

    Raises TypeError for floats, naive times and keys that are not text.
    """
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _plain(value: object) -> object:
    match value:
        case None | bool() | int() | str():
            return value
        case Mapping():
            return {_key(key): _plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case datetime():
            return _instant(value)
        case date():
            return value.isoformat()
        case Decimal() | UUID():
            return str(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no canonical form")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError("a canonical object must have text keys")
    return key


def _instant(value: datetime) -> str:
    if value.utcoffset() is None:
        raise TypeError("a naive time has no canonical form")
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


BYTE_ORDER_MARK: Final = "\ufeff"
"""What a CSV file begins with, so that spreadsheets read it as UTF-8."""
FORMULA_CHARACTERS: Final = frozenset("=+-@＝＋－＠")
"""Characters that start a formula."""
LEADING_CHARACTERS: Final = " \t\r\n\u00a0\u3000"
"""Characters that programs skip before they look for such a character."""


CHANGED_BY_SPREADSHEETS: Final = re.compile(
    r"0\d+(?:[.,]\d+)?|\d{16,}|\d+(?:[.,]\d+)?[eE][+-]?\d+|\d{1,4}[-/.]\d{1,2}(?:[-/.]\d{1,4})?", re.ASCII
)


def escape_formula(text: str) -> str:
    """Return text for a CSV cell; a text that would be a formula gets a leading apostrophe.

    The apostrophe marks the cell as text, as when typed by a person (programme.md 2.9).
    """
    stripped = text.lstrip(LEADING_CHARACTERS)
    if stripped[:1] in FORMULA_CHARACTERS or text[:1] in {"\t", "\r", "\n"}:
        return f"'{text}"
    return text


def escape_cell(text: str) -> str:
    """Return text for a CSV cell as `escape_formula` does; also one that a spreadsheet would change gets an apostrophe.

    Leading zeros are dropped there, the digits after the 15th lost, `1E5` and `1/2` become a number and a day.
    """
    return f"'{text}" if CHANGED_BY_SPREADSHEETS.fullmatch(text.strip()) else escape_formula(text)


def csv_line(cells: Sequence[str]) -> str:
    """Return a line of a CSV file, with its end; texts from people are escaped before."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()
