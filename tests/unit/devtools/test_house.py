from pathlib import Path

import pytest

from devtools import house, source
from tests.support.imports import cycles

LONG = "\n".join(["VALUE = 1"] * 301)
ANNOTATED = '''"""Any docstring."""

from typing import Any


def read(found: Any) -> "list[Any]":
    """Return Any."""
    return [found]  # Any comment
'''


@pytest.fixture
def fake_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A code base of five modules."""
    files = {
        "scheduler.py": "from kontor.small import VALUE\n",
        "kontor/__init__.py": '"""Nothing else."""\n',
        "kontor/small.py": "class Row:\n    pass\n\n\nVALUE = 1\n",
        "kontor/typed.py": ANNOTATED,
        "models/rows.py": "class Row:\n    def __init__(self) -> None:\n        self.book = 1\n",
        "models/long.py": LONG,
    }
    for file, text in files.items():
        path = tmp_path / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(source, "ROOT", tmp_path)
    monkeypatch.setattr(source, "product", source.product.__wrapped__)
    monkeypatch.setattr(house, "product", source.product)
    monkeypatch.setattr(house, "everything", source.everything.__wrapped__)
    return tmp_path


@pytest.mark.usefixtures("fake_tree")
def test_class_of_two_modules_is_reported_with_both() -> None:
    assert house.doubled_classes() == ("Row: kontor/small.py, models/rows.py",)


@pytest.mark.usefixtures("fake_tree")
def test_banned_names_are_reported_with_their_line() -> None:
    assert house.banned_identifiers() == ("kontor/typed.py:6 found", "models/rows.py:3 book")


@pytest.mark.usefixtures("fake_tree")
def test_lines_with_any_count_without_comments_and_docstrings() -> None:
    assert {path: count for path, count in house.any_uses().items() if count} == {"kontor/typed.py": 2}


@pytest.mark.usefixtures("fake_tree")
def test_short_module_with_one_importer_is_reported() -> None:
    assert house.short_modules() == ("kontor/small.py (5)",)


@pytest.mark.usefixtures("fake_tree")
def test_measures_report_the_long_module_and_count_no_empty_package() -> None:
    measures = {measure.name: measure for measure in house.measures()}

    assert measures["modules"].value == 5
    assert measures["modules over 300 lines"].places == ("models/long.py (301)",)
    assert not measures["modules over 300 lines"].kept
    assert measures["functions, most lines"].kept


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        ({"a": ["b"], "b": ["c"], "c": []}, []),
        ({"a": ["b"], "b": ["a"]}, [["a", "b"]]),
        ({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a", "e"], "e": ["d"]}, [["a", "b", "c"], ["d", "e"]]),
    ],
)
def test_cycles_are_the_connected_components(graph: dict[str, list[str]], expected: list[list[str]]) -> None:
    assert cycles(graph) == expected
