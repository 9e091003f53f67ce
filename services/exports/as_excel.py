"""The client list as an Excel workbook: text is never a formula, memory use is constant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryFile
from typing import IO, Any, Final

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from services.exports.columns import Column, Kind, Value

MEDIA: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHEET_ROWS: Final = 1_048_576
"""Row limit of a worksheet; further rows go to another one."""
BLOCK: Final = 64 * 1024
OPTIONS: Final = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
EPOCH: Final = datetime(1899, 12, 30, tzinfo=UTC)
DAY: Final = timedelta(days=1)
"""Excel stores dates as days since EPOCH; `write_datetime` computes the same, several times slower."""
WIDTHS: Final = {Kind.TEXT: 28, Kind.COUNT: 14, Kind.MONEY: 14, Kind.INSTANT: 20}


def blocks(columns: Sequence[Column], lines: Iterable[Sequence[Value]], decimals: int) -> Iterator[bytes]:
    """Yield the file in blocks of BLOCK bytes; `decimals` of its currency. Instants are date cells, in UTC.

    The whole file is written to a temporary file first, because a ZIP archive ends with its index.
    """
    with TemporaryFile() as file:
        write(file, columns, lines, decimals)
        file.seek(0)
        while block := file.read(BLOCK):
            yield block


def write(
    file: IO[bytes],
    columns: Sequence[Column],
    lines: Iterable[Sequence[Value]],
    decimals: int,
    sheet_rows: int = SHEET_ROWS,
) -> None:
    """Write the workbook, with a worksheet for every `sheet_rows` rows."""
    with Workbook(file, OPTIONS) as workbook:
        formats = _formats(workbook, decimals)
        sheet, row = _sheet(workbook, columns, formats), 1
        for line in lines:
            if row == sheet_rows:
                sheet, row = _sheet(workbook, columns, formats), 1
            for number, (column, value) in enumerate(zip(columns, line, strict=True)):
                _cell(sheet, row, number, value, formats[column.kind])
            row += 1


def _cell(sheet: Worksheet, row: int, number: int, value: Value, form: Format | None) -> None:
    """Write one cell; text stays text, whatever its first character."""
    if value is None:
        return
    if isinstance(value, str):
        sheet.write_string(row, number, value)
    elif isinstance(value, datetime):
        sheet.write_number(row, number, (value - EPOCH) / DAY, form)
    else:
        sheet.write_number(row, number, float(value), form)


def _sheet(workbook: Workbook, columns: Sequence[Column], formats: dict[Kind, Any]) -> Worksheet:
    """Add a worksheet with frozen headings."""
    sheet = workbook.add_worksheet()
    for number, column in enumerate(columns):
        sheet.set_column(number, number, WIDTHS[column.kind])
        sheet.write_string(0, number, column.heading)
    sheet.freeze_panes(1, 0)
    return sheet


def _formats(workbook: Workbook, decimals: int) -> dict[Kind, Any]:
    money = "#,##0" + ("." + "0" * decimals if decimals else "")
    return {
        Kind.TEXT: None,
        Kind.COUNT: None,
        Kind.MONEY: workbook.add_format({"num_format": money}),
        Kind.INSTANT: workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
    }
