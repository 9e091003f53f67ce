"""Tables of the CLI fit 80 columns: fewer columns, cut with …, whole with --wide (contract.md section 1)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from kontor.cli.output import GAP, ID_WIDTH, NARROWEST, fitted, print_rows, print_wrapped

ROW = {
    "id": UUID(int=1),
    "name": "a name of some length that nobody would give to a key but somebody did",
    "scopes": ["read", "enqueue", "work", "decide", "operate", "admin", "keys"],
    "created_at": datetime(2026, 12, 1, 0, 44, 58, 920046, tzinfo=UTC),
    "expires_at": None,
}


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


def table(
    capsys: pytest.CaptureFixture[str], *rows: dict[str, object], first: Sequence[str] = (), wide: bool = False
) -> list[str]:
    print_rows(rows, as_json=False, first=first, wide=wide)
    return capsys.readouterr().out.splitlines()


def test_table_fits_eighty_columns_and_keeps_ids_whole(capsys: pytest.CaptureFixture[str]) -> None:
    head, line = table(capsys, ROW, first=("id", "name", "scopes", "created_at"))
    assert max(map(len, (head, line))) <= 80
    assert line.startswith(f"{ROW['id']}  a name ")
    assert line.count("…") == 3
    assert head.split() == ["id", "name", "scopes", "created_at"]


def test_column_that_does_not_fit_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    head, _ = table(capsys, {**ROW, "account_id": UUID(int=2), "reseller_id": UUID(int=3)})
    assert head.split()[:3] == ["id", "name", "scopes"]
    assert "reseller_id" not in head


def test_wide_table_has_every_column_whole(capsys: pytest.CaptureFixture[str]) -> None:
    head, line = table(capsys, ROW, first=("id", "name"), wide=True)
    assert head.split() == list(ROW)
    assert "…" not in line
    assert '["read", "enqueue", "work", "decide", "operate", "admin", "keys"]  2026-12-01T00:44:58.920046Z' in line


def test_narrow_terminal_is_obeyed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    assert [len(line) <= 50 for line in table(capsys, ROW)] == [True, True]


def test_wide_letters_count_twice_and_a_cell_stays_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines = table(capsys, {"name": "株式会社" * 30, "error": "first\nsecond"})
    assert len(lines) == 2
    assert max(map(cell_len, lines)) <= 80
    assert lines[1].endswith("first second")


@given(st.lists(st.one_of(st.just(ID_WIDTH), st.integers(1, 200)), min_size=1, max_size=14), st.integers(40, 200))
def test_fitted_columns_never_exceed_the_room(widths: list[int], room: int) -> None:
    kept = fitted(widths, room)
    assert 1 <= len(kept) <= len(widths)
    assert sum(kept) + GAP * (len(kept) - 1) <= room
    for width, before in zip(kept, widths, strict=False):
        assert width == before or NARROWEST <= width < before != ID_WIDTH


def test_long_finding_is_wrapped_below_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_wrapped("warn  clock       ", "the test clock is on; programme time is 2026-12-01T00:56:55.813085+00:00")
    assert capsys.readouterr().out == (
        "warn  clock       the test clock is on; programme time is\n"
        "                  2026-12-01T00:56:55.813085+00:00\n"
    )
