import pytest

from kontor.kernel.serialization import escape_formula


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\r=1", " =1", "\u00a0@x", "＋1", "\n"])
def test_formula_becomes_text(text: str) -> None:
    assert escape_formula(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Elbe", "1+1=2", "a@b.example", " x", "'=1", "100 %"])
def test_other_text_is_unchanged(text: str) -> None:
    assert escape_formula(text) == text
