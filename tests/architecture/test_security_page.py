"""Each test and class of attempts that docs/explanation/security.md names exists, and each class is named there."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from devtools.source import ROOT
from tests.attack.__main__ import SHORT, classes

PAGE = (ROOT / "docs" / "explanation" / "security.md").read_text()
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`")
NAMED_CLASS = re.compile(r"`make attack`: ([\w ]+)")
APPLYING = 180
"""Rows at least: the page lists what applies, met or not."""


@cache
def names_in(path: Path) -> frozenset[str]:
    """The names of the tests of a file."""
    return frozenset(re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE))


def test_every_requirement_names_a_test_or_says_why_it_is_not_met() -> None:
    rows = ROW.findall(PAGE)
    bare = [
        number
        for number, _, cell in rows
        if not (NAMED_TEST.search(cell) or NAMED_CLASS.search(cell) or re.match(r"\*\*not met\*\*: \w", cell))
    ]
    assert bare == []
    assert len(rows) >= APPLYING
    assert [number for number, count in Counter(number for number, _, _ in rows).items() if count > 1] == []


@pytest.mark.parametrize(("path", "test"), sorted(set(NAMED_TEST.findall(PAGE))))
def test_named_test_exists(path: str, test: str) -> None:
    assert (ROOT / path).is_file()
    assert not test or test in names_in(ROOT / path)


def test_every_class_of_attempts_is_promised_and_every_named_one_exists() -> None:
    every = set(classes())
    promises = PAGE.partition("## ASVS")[0]
    assert [name for name in every if name not in promises] == []
    assert {name.strip() for name in NAMED_CLASS.findall(PAGE)} <= every
    assert set(SHORT) <= every
