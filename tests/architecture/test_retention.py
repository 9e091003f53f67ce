"""The page of what is kept has a line for every column of every table."""

import re
from collections import Counter

import pytest

from models.base import metadata
from workers.migrations import ROOT

LINE = re.compile(
    r"^\| (?P<tables>(?:`\w+`(?:, )?)+) \| (?P<columns>(?:`\w+`(?:, )?)+) \| (?P<why>.+) \| (?P<until>.+) \|$"
)
PAGE = (ROOT / "docs" / "reference" / "retention.md").read_text(encoding="utf-8")
TABLES = {table.name: {column.name for column in table.columns} for table in metadata().sorted_tables}


def documented() -> Counter[tuple[str, str]]:
    """The (table, column) pairs of the page, and how often each is there."""
    pairs: Counter[tuple[str, str]] = Counter()
    for line in PAGE.splitlines():
        if match := LINE.fullmatch(line):
            columns = re.findall(r"\w+", match["columns"])
            pairs.update((table, column) for table in re.findall(r"\w+", match["tables"]) for column in columns)
    return pairs


@pytest.mark.parametrize("table", sorted(TABLES))
def test_every_column_has_one_line_that_says_why_it_is_kept_and_how_long(table: str) -> None:
    lines = documented()
    columns = TABLES[table]
    assert {column for column in columns if lines[table, column] != 1} == set(), "docs/reference/retention.md"


def test_page_names_no_column_that_does_not_exist() -> None:
    assert {pair for pair in documented() if pair[1] not in TABLES.get(pair[0], set())} == set()
