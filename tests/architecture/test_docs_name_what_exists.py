"""Each file, module and page that the documentation names exists."""

import re
from pathlib import Path

import pytest

from devtools.source import ROOT

PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
TICKED = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"[A-Za-z_][\w.-]*(?:/[\w.*-]+)+/?")
MODULE = re.compile(r"(?<![\w./-])(?:kontor(?=\.\w+\.)|models|tasks|workers|bench|tests|devtools)(?:\.(?!md\b)\w+)+")
IMPORT = re.compile(r"^from (kontor[\w.]+) import ([\w, ]+?) *(?:#.*)?$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
FORMER = frozenset({"api", "commands", "console", "domain", "mail", "portal", "services", "store"})
"""Folders that the tree had at its top before ADR 8."""

CLIENT, CLIENT_PACKAGE = ROOT / "clients" / "python" / "src", "kontor_client"
OUR_TOP = frozenset(path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")) | FORMER

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def missing_paths(text: str) -> list[str]:
    """The paths in backticks below a folder of the tree that are not there; `*` stands for any name."""
    paths = [word for quoted in TICKED.findall(text) for word in quoted.split() if PATH.fullmatch(word)]
    return [path for path in paths if path.partition("/")[0] in OUR_TOP and not any(ROOT.glob(path.rstrip("/")))]


def missing_modules(text: str) -> list[str]:
    names = [name for quoted in TICKED.findall(text) for name in MODULE.findall(quoted)]
    return [name for name in names if not importable(name)]


def importable(name: str) -> bool:
    """Whether a dotted name is a module, or ends in one or two attributes of one."""
    parts = name.split(".")
    for size in range(len(parts), max(1, len(parts) - 2) - 1, -1):
        top = CLIENT if parts[0] == CLIENT_PACKAGE else ROOT
        path = top.joinpath(*parts[:size])
        if path.is_dir() and size == len(parts):
            return True
        if top == CLIENT and path.is_dir():
            path /= "__init__"
        if path.with_suffix(".py").is_file():
            return all(re.search(rf"\b{part}\b", path.with_suffix(".py").read_text()) for part in parts[size:])
    return False


@every_page
def test_every_path_of_the_tree_that_a_page_names_exists(page: Path) -> None:
    assert missing_paths(page.read_text()) == []


@every_page
def test_every_module_that_a_page_names_exists(page: Path) -> None:
    assert missing_modules(page.read_text()) == []


@every_page
def test_every_import_of_an_example_works(page: Path) -> None:
    imports = IMPORT.findall(page.read_text())
    names = [f"{module}.{name.strip()}" for module, listed in imports for name in listed.split(",")]
    assert [name for name in names if not importable(name)] == []


@every_page
def test_every_file_that_a_page_links_to_exists(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text()) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_a_path_that_moved_is_noticed_where_it_is_named() -> None:
    text = "See `services/fees/`, `kontor/offers/gone.py` and `python -m bench.gone`, not `kontor/offers/rules.py`."

    assert missing_paths(text) == ["services/fees/", "kontor/offers/gone.py"]
    assert missing_modules(text) == ["bench.gone"]
