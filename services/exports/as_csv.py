"""The client list as CSV: UTF-8 with the byte order mark for Excel, text quoted and safe from formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from domain.spreadsheets import harmless
from domain.webhooks import wire_time
from services.exports.columns import Column, Value

MEDIA: Final = "text/csv; charset=utf-8"
MARK: Final = "\ufeff"
BLOCK: Final = 64 * 1024


def blocks(columns: Sequence[Column], lines: Iterable[Sequence[Value]]) -> Iterator[bytes]:
    """Yield the file in blocks of about BLOCK characters; instants are in RFC 3339, UTC."""
    page = io.StringIO()
    writer = csv.writer(page, quoting=csv.QUOTE_NONNUMERIC)
    page.write(MARK)
    writer.writerow([column.heading for column in columns])
    for line in lines:
        writer.writerow([_cell(value) for value in line])
        if page.tell() >= BLOCK:
            yield page.getvalue().encode()
            page.seek(0)
            page.truncate()
    yield page.getvalue().encode()


def _cell(value: Value) -> Value:
    if isinstance(value, str):
        return harmless(value)
    return wire_time(value) if isinstance(value, datetime) else value
