import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.guards import FILE, BadGuards, Guard, chosen, misplaced, missing_tests, parse
from tests.mutate import LEFT_OUT, ROOT, check, fits

CODE = "def limit(value: int) -> int:\n    return min(value, 10)\n"
TESTS = """
import pytest
from bounds import limit

@pytest.mark.parametrize("value", [11], ids=["/v1/x"])
def test_large_values_are_cut(value):
    assert limit(11) == 10

def test_small_values_stay():
    assert limit(3) == 3

@pytest.fixture
def broken():
    assert limit(11) == 10

def test_with_a_fixture_that_breaks(broken):
    pass

def test_that_always_fails():
    assert limit(3) == 4
"""
GOOD = Guard("bound", "p", "bounds.py", "min(value, 10)", "value", ("test_bounds.py::test_large_values_are_cut",))


def variant(**changes: Any) -> Guard:
    return replace(GOOD, **changes)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tree")
    (folder / "bounds.py").write_text(CODE)
    (folder / "test_bounds.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\n")
    return folder


def checked(tree: Path, *guards: Guard) -> tuple[bool, str]:
    out = io.StringIO()
    good = check(Console(file=out, width=400), tree, guards, 1, servers=False)
    return good, out.getvalue()


UNHELD: dict[str, tuple[dict[str, Any], str]] = {
    "survivor": ({"tests": ("test_bounds.py::test_small_values_stay",)}, "SURVIVED: no test failed"),
    "broken-import": ({"new": "("}, "SURVIVED: no test failed (pytest ended with 4)"),
    "broken-fixture": ({"tests": ("test_bounds.py::test_with_a_fixture_that_breaks",)}, "SURVIVED: no test failed"),
    "red-before": ({"tests": ("test_bounds.py::test_that_always_fails",)}, "does not pass unmutated"),
    "no-text": ({"old": "max(value, 10)"}, "`old` occurs 0 times in bounds.py, not once"),
    "two-texts": ({"old": "value"}, "`old` occurs 2 times in bounds.py, not once"),
    "no-file": ({"file": "gone.py"}, "there is no file gone.py"),
}


@pytest.fixture(scope="module")
def report(tree: Path) -> str:
    good, text = checked(tree, GOOD, *(variant(id=name, **changes) for name, (changes, _) in UNHELD.items()))
    assert not good
    return text


def test_killed_guard_is_reported_with_its_test_and_the_tree_stays_clean(tree: Path, report: str) -> None:
    assert "bound: killed by test_bounds.py::test_large_values_are_cut[/v1/x] (" in report
    assert (tree / "bounds.py").read_text() == CODE


@pytest.mark.parametrize("name", UNHELD)
def test_guard_that_no_test_holds_is_reported(report: str, name: str) -> None:
    row = next(line for line in report.splitlines() if line.startswith(f"\u2502 {name} "))
    assert UNHELD[name][1] in row
    assert name in report[report.index("7 of 8 guards are not held:") :]


def test_missing_test_is_reported(tree: Path) -> None:
    good, text = checked(tree, variant(tests=("test_bounds.py::test_gone",)))
    assert not good
    assert "its tests do not run unmutated: ERROR: not found" in text


def test_changed_files_and_a_sample_of_the_rest_are_chosen() -> None:
    guards = [variant(id=str(number), file=f"{number}.py", tests=(f"test_{number}.py::test",)) for number in range(9)]
    picked = chosen(guards, touched={"3.py", "test_5.py"}, edited={"7"}, sample=2, seed="x")
    assert {guard.id for guard in picked} > {"3", "5", "7"}
    assert len(picked) == 5
    assert chosen(guards, touched=()) == []
    assert chosen(guards) == guards
    assert [guard.id for guard in chosen(guards, only=["4"])] == ["4"]
    with pytest.raises(BadGuards, match="no guard 12"):
        chosen(guards, only=["12"])


def test_new_guards_come_first_when_only_some_are_chosen() -> None:
    guards = [variant(id=str(number), file=f"{number}.py", tests=(f"test_{number}.py::test",)) for number in range(9)]
    for at_most, ids in ((4, {"3", "5", "7", "8"}), (2, {"7", "8"})):
        picked = chosen(guards, touched={"3.py", "test_5.py"}, edited={"7", "8"}, sample=4, at_most=at_most, seed="x")
        assert {guard.id for guard in picked} == ids


def test_byte_code_that_another_process_is_writing_is_not_copied() -> None:
    names = ["a.cpython-311.pyc", "a.cpython-311.pyc.140012", "a.cpython-311-pytest-9.0.1.pyc.77", "b.py"]
    assert set(names) - set(LEFT_OUT("__pycache__", names)) == {"a.cpython-311.pyc", "b.py"}


def test_file_with_a_missing_key_or_a_doubled_id_is_refused() -> None:
    entry = '[[guard]]\nid = "a"\npromise = "p"\nfile = "f"\nold = "o"\nnew = "n"\ntests = ["t"]\n'
    assert parse(entry) == [Guard("a", "p", "f", "o", "n", ("t",))]
    with pytest.raises(BadGuards, match="two guards are called a"):
        parse(entry * 2)
    with pytest.raises(BadGuards, match="guard a: give exactly"):
        parse(entry.replace('tests = ["t"]', "tests = []"))
    assert misplaced(parse(entry)[0], Path("nowhere")) == "there is no file f"


def test_every_guard_matches_the_tree() -> None:
    out = io.StringIO()
    guards = parse((ROOT / FILE).read_text(encoding="utf-8"))
    assert fits(Console(file=out, width=400), ROOT, guards), out.getvalue()
    assert not fits(Console(file=out, width=400), ROOT, [replace(guards[0], old="no such text")])


def test_tests_that_do_not_exist_are_reported(tree: Path) -> None:
    tests = (
        "test_bounds.py",
        "test_bounds.py::test_small_values_stay[x]",
        "test_bounds.py::test_gone",
        "gone.py::test",
    )
    assert missing_tests(variant(tests=tests), tree) == list(tests[2:])
