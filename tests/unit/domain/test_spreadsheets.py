import pytest

from kontor.kernel.serialization import escape_cell, escape_formula


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\r=1", " =1", "\u00a0@x", "＋1", "\n"])
def test_formula_becomes_text(text: str) -> None:
    assert escape_formula(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Elbe", "1+1=2", "a@b.example", " x", "'=1", "100 %"])
def test_other_text_is_unchanged(text: str) -> None:
    assert escape_formula(text) == text


@pytest.mark.parametrize("text", ["00123", "1E5", "1/2", "1.2", "2026-01-31", "123456789012345678", "=1"])
def test_cell_becomes_text_when_a_spreadsheet_would_change_it(text: str) -> None:
    assert escape_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["123", "0", "1E5 GmbH", "Haus 1/2", "12.345 Elbe", "a@b.example"])
def test_cell_is_unchanged_when_no_spreadsheet_would_change_it(text: str) -> None:
    assert escape_cell(text) == text
