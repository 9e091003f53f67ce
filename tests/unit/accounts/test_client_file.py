"""A file of new clients: encodings, separators, columns, and what is refused before any row is looked at."""

import csv
import io

import pytest

from kontor.accounts import client_file
from kontor.accounts.client_file import MOST_BYTES, MOST_ROWS, FileFault, UnreadableFile
from kontor.accounts.payloads import FileRow

ROW = {"name": "Müller & Söhne", "admin_email": "m@mueller.example"}
HEAD = "name,admin_email\n"


def first(text: str) -> dict[str, str]:
    return dict(client_file.read(text).rows[0].values)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_separators_and_encodings_of_spreadsheets_are_read(delimiter: str, codec: str) -> None:
    text = f"name{delimiter}admin_email\r\nMüller & Söhne{delimiter}m@mueller.example\r\n"
    assert first(client_file.text_of(text.encode(codec), "de")) == ROW


def test_code_page_follows_the_letters_and_for_japanese_the_reader() -> None:
    russian, japanese = f"{HEAD}Салон «Роза»,a@b.example\n", f"{HEAD}サロン・ローズ,a@b.example\n"
    assert client_file.text_of(russian.encode("cp1251"), "ru") == russian
    assert client_file.text_of(japanese.encode("cp932"), "ja") == japanese
    german = f"{HEAD}Bäckerei Groß,a@b.example\nCafé Noël,c@d.example\n"
    assert client_file.text_of(german.encode("cp1252"), "ja") == german


def test_columns_of_the_exported_list_are_understood_and_the_others_named() -> None:
    text = '\ufeff"account","admin_email","plan","usage_appointments"\r\n"\'=Rose","r@rose.example","free","51"\r\n'
    file = client_file.read(text)
    assert [dict(row.values) for row in file.rows] == [{"name": "=Rose", "admin_email": "r@rose.example"}]
    assert list(file.unread) == ["plan", "usage_appointments"]


def test_rows_keep_their_numbers_over_blank_ones_and_cells_lose_their_blanks() -> None:
    file = client_file.read("Name; ADMIN_EMAIL ;metadata.Region\n\nRose; r@rose.example;Nord\n;;\nNelke;n@n.example;\n")
    assert [(row.number, row.get("name"), row.metadata) for row in file.rows] == [
        (3, "Rose", {"Region": "Nord"}),
        (5, "Nelke", None),
    ]


def test_line_that_names_the_separator_is_no_row() -> None:
    assert first(f"sep=;\r\nname;admin_email\r\n{';'.join(ROW.values())}\r\n") == ROW


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", FileFault.EMPTY),
        ("  \n", FileFault.EMPTY),
        (HEAD, FileFault.NO_ROWS),
        ("Rose,r@rose.example\n", FileFault.COLUMNS),
        ("name,plan\nRose,free\n", FileFault.COLUMNS),
        ("name,account,admin_email\na,b,c@d.example\n", FileFault.COLUMN_TWICE),
        (HEAD + "a,a@b.example\n" * (MOST_ROWS + 1), FileFault.TOO_MANY_ROWS),
        (HEAD + "x" * MOST_BYTES, FileFault.TOO_LARGE),
        (HEAD + "x" * 200_000, FileFault.DAMAGED),
    ],
)
def test_file_without_rows_to_read_says_why(text: str, fault: FileFault) -> None:
    with pytest.raises(UnreadableFile) as refused:
        client_file.read(text)
    assert refused.value.fault is fault


def test_most_rows_are_read() -> None:
    assert len(client_file.read(HEAD + "a,a@b.example\n" * MOST_ROWS).rows) == MOST_ROWS


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"PK\x03\x04 a workbook", FileFault.WORKBOOK),
        (b"x" * (MOST_BYTES + 1), FileFault.TOO_LARGE),
        ("name,admin_email\nMüller,Größe@ä.example ".encode() + b"\xff", FileFault.ENCODING),
    ],
)
def test_upload_that_is_no_text_says_why(content: bytes, fault: FileFault) -> None:
    with pytest.raises(UnreadableFile) as refused:
        client_file.text_of(content, "en")
    assert refused.value.fault is fault


def test_refused_rows_are_written_without_formulas_and_read_again() -> None:
    row = FileRow(7, {"name": "=HYPERLINK(1)", "admin_email": "x", "external_id": "007", "metadata.=a": "+1"})
    content = client_file.written([(row, "=why")])
    cells = [cell for line in csv.reader(io.StringIO(content.decode("utf-8-sig"))) for cell in line]
    assert [cell for cell in cells if cell.startswith(("=", "+", "007"))] == []
    again = client_file.read(client_file.text_of(content, "en"))
    assert [dict(each.values) for each in again.rows] == [dict(row.values)]
    assert list(again.unread) == ["why"]
