"""The decisions: numbered without gaps, each names the option it takes, and what replaces what is linked both ways."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.source import ROOT

FOLDER = ROOT / "docs" / "adr"
FILES = sorted(FOLDER.glob("*.md"))
STATUS = re.compile(r"^Status: (proposed|accepted|rejected|superseded), \d{4}-\d\d-\d\d", re.MULTILINE)
REPLACES = re.compile(r"supersedes(?: in part)? \[ADR (\d+)\]\(([^)]+)\)")
REPLACED = re.compile(r"superseded(?: in part)? by \[ADR (\d+)\]\(([^)]+)\)")
MENTION = re.compile(r"\bADR (\d+)\b|docs/adr/(\d{4})")
OPTION = re.compile(r"^- \*\*(.+?)\*\*", re.MULTILINE | re.DOTALL)

every_adr = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def number_of(path: Path) -> int:
    return int(path.name[:4])


def status_of(path: Path) -> str:
    return next((line for line in path.read_text().splitlines() if line.startswith("Status: ")), "")


def section(path: Path, title: str) -> str:
    _, _, rest = path.read_text().partition(f"\n## {title}\n")
    return rest.partition("\n## ")[0]


def unwrapped(text: str) -> str:
    return " ".join(text.split())


def options(path: Path) -> list[str]:
    return [
        unwrapped(title)
        for title in re.findall(r"^- \*\*(.+?)\*\*", section(path, "Considered"), re.MULTILINE | re.DOTALL)
    ]


def replacements(pattern: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    for path in FILES:
        for number, target in pattern.findall(status_of(path)):
            assert number_of(FOLDER / target) == int(number), f"{path.name} calls {target} ADR {number}"
            yield number_of(path), int(number)


def texts() -> Iterator[Path]:
    yield from (ROOT / "docs").rglob("*.md")
    yield from ROOT.glob("*.md")
    for pattern in ("*.py", "*.toml"):
        yield from (path for path in ROOT.rglob(pattern) if not any(part.startswith(".") for part in path.parts))


def test_the_numbers_have_no_gap() -> None:
    assert [number_of(path) for path in FILES] == list(range(1, len(FILES) + 1))


@every_adr
def test_the_title_has_the_number_of_the_file(path: Path) -> None:
    assert path.read_text().startswith(f"# {number_of(path)}. ")


@every_adr
def test_every_decision_has_a_status_and_a_date(path: Path) -> None:
    assert STATUS.match(status_of(path))


@every_adr
def test_every_decision_has_the_four_sections_in_order(path: Path) -> None:
    titles = re.findall(r"^## (.+)$", path.read_text(), re.MULTILINE)
    kept = [title for title in titles if title in {"Context", "Considered", "Decision", "Consequences"}]
    assert kept == ["Context", "Considered", "Decision", "Consequences"]


@every_adr
def test_the_decision_names_one_of_the_options_by_its_title(path: Path) -> None:
    titles = options(path)
    assert len(titles) >= 2
    opening = re.match(r"\*\*(.+?)\*\*", unwrapped(section(path, "Decision")))
    assert opening is not None
    assert opening[1].removesuffix(".") in titles


def test_what_supersedes_and_what_is_superseded_link_to_each_other() -> None:
    assert set(replacements(REPLACES)) == {(new, old) for old, new in replacements(REPLACED)}


def test_every_mention_of_a_decision_names_one_that_exists() -> None:
    numbers = {number_of(path) for path in FILES}
    unknown = {
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in texts()
        for match in MENTION.finditer(path.read_text())
        if int(match[1] or match[2]) not in numbers
    }
    assert unknown == set()


def test_the_index_lists_every_decision() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    assert [path.name for path in FILES if f"(adr/{path.name})" not in index] == []
