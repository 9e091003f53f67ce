import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import openpyxl
from hypothesis import given
from hypothesis import strategies as st

from kontor.accounts import export
from kontor.accounts.export import Value, client_columns

COLUMNS = client_columns(["appointments"])
AT = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)


def line(name: str) -> tuple[Value, ...]:
    return (name, "a@b.example", "free", "Free", None, 7, "unlimited", 1, Decimal("7.20"), "EUR", AT)


def excel(lines: list[tuple[Value, ...]], sheet_rows: int = 1_000) -> list[list[list[object]]]:
    file = io.BytesIO()
    export.write_workbook(file, COLUMNS, lines, 2, sheet_rows)
    workbook = openpyxl.load_workbook(file)
    assert all(cell.data_type != "f" for sheet in workbook for row in sheet.iter_rows() for cell in row)
    return [[list(row) for row in sheet.iter_rows(values_only=True)] for sheet in workbook]


def test_full_sheet_is_followed_by_another_with_the_same_headings() -> None:
    sheets = excel([line(f"n{number}") for number in range(7)], sheet_rows=4)
    assert [[row[0] for row in sheet] for sheet in sheets] == [
        ["account", "n0", "n1", "n2"],
        ["account", "n3", "n4", "n5"],
        ["account", "n6"],
    ]


def test_numbers_dates_and_text_keep_their_types() -> None:
    row = excel([line("=1+1")])[0][1]
    assert row == ["=1+1", "a@b.example", "free", "Free", None, 7, "unlimited", 1, 7.2, "EUR", AT.replace(tzinfo=None)]


def test_long_csv_file_comes_in_blocks_with_one_byte_order_mark() -> None:
    made = list(export.csv_blocks(COLUMNS, (line(f"n{number}") for number in range(5_000))))
    assert len(made) > 3
    assert b"".join(made).count("\ufeff".encode()) == 1
    assert max(map(len, made)) < 2 * export.CSV_BLOCK


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20), max_size=5))
def test_any_client_name_is_read_back_from_the_csv_file(names: list[str]) -> None:
    text = b"".join(export.csv_blocks(COLUMNS, map(line, names))).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))[1:]
    assert [row[0].removeprefix("'") for row in rows] == [name.removeprefix("'") for name in names]
    assert not any(row[0][:1] in "=+-@" for row in rows if row[0])
