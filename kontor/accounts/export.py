"""Client lists as CSV and Excel, in constant memory (programme.md 2.9)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum, auto
from tempfile import SpooledTemporaryFile, TemporaryFile
from typing import IO, Final
from uuid import UUID

from sqlalchemy.orm import Session
from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from kontor.accounts.client_filter import ClientFilter
from kontor.accounts.locks import require_reseller
from kontor.accounts.queries import ClientListQuery, copy_clients
from kontor.context import Context
from kontor.kernel.database import psycopg_connection
from kontor.kernel.money import minor_units
from kontor.kernel.periods import calendar_month
from kontor.kernel.serialization import BYTE_ORDER_MARK, escape_cell
from kontor.kernel.zones import local_day
from kontor.programme.display_names import DisplayNames
from kontor.programme.model import Programme, QuotaPeriod
from kontor.usage.rules import is_read_only
from kontor.webhooks.signing import wire_time

CSV_BLOCK: Final = 64 * 1024


def csv_blocks(columns: Sequence[Column], lines: Iterable[Sequence[Value]]) -> Iterator[bytes]:
    """Yield the file in blocks of about BLOCK characters; instants are in RFC 3339, UTC."""
    page = io.StringIO()
    writer = csv.writer(page, quoting=csv.QUOTE_NONNUMERIC)
    page.write(BYTE_ORDER_MARK)
    writer.writerow([column.heading for column in columns])
    for line in lines:
        writer.writerow([_csv_cell(value) for value in line])
        if page.tell() >= CSV_BLOCK:
            yield page.getvalue().encode()
            page.seek(0)
            page.truncate()
    yield page.getvalue().encode()


def _csv_cell(value: Value) -> Value:
    if isinstance(value, str):
        return escape_cell(value)
    return wire_time(value) if isinstance(value, datetime) else value


Value = str | int | Decimal | datetime | None
"""Value of a cell; instants are aware, UTC."""


class ColumnKind(Enum):
    """Format of a column's values."""

    TEXT = auto()
    COUNT = auto()
    MONEY = auto()
    INSTANT = auto()


@dataclass(frozen=True, slots=True)
class Column:
    """A heading and the format of its values."""

    heading: str
    kind: ColumnKind


def client_columns(metrics: Sequence[str]) -> tuple[Column, ...]:
    """Return the columns; every metric of the programme has one for usage and one for the limit."""
    counted = [Column(f"{prefix}_{metric}", ColumnKind.COUNT) for metric in metrics for prefix in ("usage", "limit")]
    return (
        Column("account", ColumnKind.TEXT),
        Column("admin_email", ColumnKind.TEXT),
        Column("plan", ColumnKind.TEXT),
        Column("plan_name", ColumnKind.TEXT),
        Column("trial_end", ColumnKind.INSTANT),
        *counted,
        Column("open_offers", ColumnKind.COUNT),
        Column("recurring_fee", ColumnKind.MONEY),
        Column("currency", ColumnKind.TEXT),
        Column("created", ColumnKind.INSTANT),
    )


EXCEL_MEDIA: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHEET_ROWS: Final = 1_048_576
"""Row limit of a worksheet; further rows go to another one."""
EXCEL_BLOCK: Final = 64 * 1024
OPTIONS: Final = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
EPOCH: Final = datetime(1899, 12, 30, tzinfo=UTC)
DAY: Final = timedelta(days=1)
"""Excel stores dates as days since EPOCH; `write_datetime` computes the same, several times slower."""
WIDTHS: Final = {ColumnKind.TEXT: 28, ColumnKind.COUNT: 14, ColumnKind.MONEY: 14, ColumnKind.INSTANT: 20}


def excel_blocks(columns: Sequence[Column], lines: Iterable[Sequence[Value]], decimals: int) -> Iterator[bytes]:
    """Yield the file in blocks of BLOCK bytes; `decimals` of its currency. Instants are date cells, in UTC.

    The whole file is written to a temporary file first, because a ZIP archive ends with its index.
    """
    with TemporaryFile() as file:
        write_workbook(file, columns, lines, decimals)
        file.seek(0)
        while block := file.read(EXCEL_BLOCK):
            yield block


def write_workbook(
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
                _excel_cell(sheet, row, number, value, formats[column.kind])
            row += 1


def _excel_cell(sheet: Worksheet, row: int, number: int, value: Value, form: Format | None) -> None:
    """Write one cell; text stays text, whatever its first character."""
    if value is None:
        return
    if isinstance(value, str):
        sheet.write_string(row, number, value)
    elif isinstance(value, datetime):
        sheet.write_number(row, number, (value - EPOCH) / DAY, form)
    else:
        sheet.write_number(row, number, float(value), form)


def _sheet(workbook: Workbook, columns: Sequence[Column], formats: dict[ColumnKind, Format | None]) -> Worksheet:
    """Add a worksheet with frozen headings."""
    sheet = workbook.add_worksheet()
    for number, column in enumerate(columns):
        sheet.set_column(number, number, WIDTHS[column.kind])
        sheet.write_string(0, number, column.heading)
    sheet.freeze_panes(1, 0)
    return sheet


def _formats(workbook: Workbook, decimals: int) -> dict[ColumnKind, Format | None]:
    money = "#,##0" + ("." + "0" * decimals if decimals else "")
    return {
        ColumnKind.TEXT: None,
        ColumnKind.COUNT: None,
        ColumnKind.MONEY: workbook.add_format({"num_format": money}),
        ColumnKind.INSTANT: workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
    }


MEMORY_LIMIT: Final = 256 * 1024
"""Bytes; a longer list is written to disk."""
UNLIMITED: Final = "unlimited"
Limits = Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class ClientList:
    """The rows read, and the programme to interpret them. Only one format can be written, once.

    `locale`: the reseller's, for the names of plans. `over_limit`: only clients that use more than one of their limits.
    """

    programme: Programme
    rows: SpooledTemporaryFile[bytes]
    locale: str
    over_limit: bool = False

    def as_csv(self) -> Iterator[bytes]:
        """Yield the list as a CSV file."""
        with self.rows:
            yield from csv_blocks(client_columns(self.programme.metrics), self.lines())

    def as_excel(self) -> Iterator[bytes]:
        """Yield the list as an Excel workbook."""
        with self.rows:
            decimals = minor_units(self.programme.currency)
            yield from excel_blocks(client_columns(self.programme.metrics), self.lines(), decimals)

    def lines(self) -> Iterator[tuple[Value, ...]]:
        """Yield a line for every client, in the order of the columns."""
        self.rows.seek(0)
        text = io.TextIOWrapper(self.rows, "utf-8", newline="")
        for row in csv.reader(text):
            if not self.over_limit or self._is_over(row):
                yield self._line(row)

    def _line(self, row: list[str]) -> tuple[Value, ...]:
        name, email, plan, running, trial_end, created, used, offers, fee = row
        return (
            name,
            email,
            plan,
            DisplayNames(self.programme, self.locale).plan(plan),
            _instant(trial_end),
            *self._usage(json.loads(used) if used else {}, plan, unlimited=running == "t"),
            int(offers),
            Decimal(fee).quantize(self._unit),
            self.programme.currency,
            _instant(created),
        )

    def _is_over(self, row: list[str]) -> bool:
        _, _, plan, running, _, _, used, _, _ = row
        limits = self.programme.plans.get(plan, self.programme.free_plan).limits
        return running != "t" and is_read_only(json.loads(used) if used else {}, limits)

    @property
    def _unit(self) -> Decimal:
        return Decimal(1).scaleb(-minor_units(self.programme.currency))

    def _usage(self, used: Mapping[str, int], plan: str, *, unlimited: bool) -> Iterator[Value]:
        limits = self.programme.plans.get(plan, self.programme.free_plan).limits
        for metric in self.programme.metrics:
            limit = None if unlimited else limits.get(metric)
            yield used.get(metric, 0)
            yield UNLIMITED if limit is None else limit


def _instant(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def read_clients(ctx: Context, session: Session, reseller_id: UUID, criteria: ClientFilter | None = None) -> ClientList:
    """Read the reseller's current clients, of a filter. Raises NotFound, Conflict(`not_a_reseller`)."""
    owner = require_reseller(session, reseller_id)
    rows: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(MEMORY_LIMIT)  # noqa: SIM115 -- closed by the writer
    programme = ctx.programme_of(session, owner)
    month = calendar_month(ctx.now, programme.zone)
    query = ClientListQuery(
        reseller_id=owner.id,
        now=ctx.now,
        today=local_day(ctx.now, programme.zone),
        metrics=programme.metrics,
        first=month.start,
        until=month.end,
        paid_periods=programme.quota.period is QuotaPeriod.PAID_PERIOD,
        criteria=criteria or ClientFilter(),
    )
    copy_clients(psycopg_connection(session), query, rows)
    return ClientList(programme, rows, owner.locale, query.criteria.by_usage)
