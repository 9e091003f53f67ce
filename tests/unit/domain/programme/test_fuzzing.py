from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from kontor.programme.diff import to_document
from kontor.programme.model import Programme
from kontor.programme.parse import parse

TEXT = (Path(__file__).parents[4] / "examples" / "programmes" / "telephony.yaml").read_text(encoding="utf-8")
LINES = TEXT.splitlines()


@settings(max_examples=200)
@given(st.text(max_size=200))
def test_any_text_is_a_programme_or_a_list_of_errors(text: str) -> None:
    result = parse(text)

    assert isinstance(result, Programme) or result


@settings(max_examples=60)
@given(st.integers(0, len(LINES) - 1), st.sampled_from(["", "x", "  - 1", "?: [", "a: b", "  name: 3", "\t", "null"]))
def test_damaged_line_never_breaks_the_reader(index: int, line: str) -> None:
    result = parse("\n".join([*LINES[:index], line, *LINES[index + 1 :]]))

    if isinstance(result, Programme):
        assert to_document(result)
    else:
        assert result == sorted(result, key=lambda error: error.line)
        assert all(1 <= error.line <= len(LINES) + 1 for error in result)
