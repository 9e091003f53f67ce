"""What commands print: one JSON document, a table that fits the terminal, or facts."""

import json
import re
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Final
from uuid import UUID

import typer
from pydantic import BaseModel
from rich.cells import cell_len, set_cell_size

GAP: Final = 2
"""Spaces between two columns."""
NARROWEST: Final = 8
"""A column is cut to this and no further; then columns at the right are left out."""
ID_WIDTH: Final = 36
FRACTION: Final = re.compile(r"(?<=\d{2}:\d{2}:\d{2})\.\d+")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document only.")]
Wide = Annotated[bool, typer.Option("--wide", help="Print every column whole, whatever the terminal's width.")]


def plain(value: object) -> object:
    """Convert a value that JSON cannot hold; dataclasses and models become objects."""
    match value:
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date() | UUID() | Decimal():
            return str(value)
        case Enum():
            return value.value
        case set() | frozenset():
            return sorted(value)
        case BaseModel():
            return value.model_dump(mode="json", by_alias=True)
        case _ if is_dataclass(value) and not isinstance(value, type):
            return asdict(value)
        case _:
            raise TypeError(f"{type(value).__name__} is not a JSON value")


def shown(value: object) -> str:
    """Format a value for people."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, default=plain, ensure_ascii=False)
    if isinstance(value, bool | int | float):
        return str(value).lower()
    return str(plain(value))


def print_json(document: object) -> None:
    """Print one JSON document to stdout."""
    json.dump(document, sys.stdout, default=plain, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def print_rows(
    rows: Sequence[Mapping[str, object]],
    *,
    as_json: bool,
    wide: bool = False,
    first: Sequence[str] = (),
    empty: str = "None.",
) -> None:
    """Print rows as a table, or as a JSON list in the API's form.

    A table is as wide as the terminal, 80 columns where there is none: cells are cut with …, columns at the right
    left out. `first`: the columns to show then, in this order; without it all are tried. `wide`: every column, whole.
    """
    if as_json:
        print_json({"items": list(rows), "next": None})
        return
    if not rows:
        print(empty)
        return
    names = list(rows[0]) if wide or not first else list(first)
    table = [names, *([" ".join(shown(row[name]).split()) for name in names] for row in rows)]
    if not wide:
        table = [[FRACTION.sub("", cell) for cell in cells] for cells in table]
    columns = list(zip(*table, strict=True))
    widths = [max(map(cell_len, column)) for column in columns]
    if not wide:
        widths = fitted(widths, terminal_width())
    for cells in table:
        print((" " * GAP).join(cut(cell, width) for cell, width in zip(cells, widths, strict=False)).rstrip())


def terminal_width() -> int:
    """Return the columns of the terminal, 80 where there is none; the variable COLUMNS overrides both."""
    return shutil.get_terminal_size((80, 24)).columns


def print_wrapped(head: str, text: str) -> None:
    """Print a text after a head, in as many lines as the terminal needs; words such as addresses are not broken."""
    indent = " " * len(head)
    print(
        textwrap.fill(
            text,
            terminal_width(),
            initial_indent=head,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def fitted(widths: Sequence[int], room: int) -> list[int]:
    """Leave out columns at the right that cannot be narrowed enough, then narrow the widest until they fit.

    A column as wide as an id is not cut: its cells are what other commands take.
    """
    least = [width if width == ID_WIDTH else min(width, NARROWEST) for width in widths]
    while len(least) > 1 and total(least) > room:
        least.pop()
    kept = list(widths[: len(least)])
    while total(kept) > room:
        flexible = [number for number, width in enumerate(kept) if width > least[number]]
        if not flexible:
            break
        kept[max(flexible, key=kept.__getitem__)] -= 1
    return kept


def total(widths: Sequence[int]) -> int:
    """Return the width of a line with these columns."""
    return sum(widths) + GAP * (len(widths) - 1)


def cut(cell: str, width: int) -> str:
    """Pad a cell, or cut it and end it with …, to a width in columns of the terminal."""
    if cell_len(cell) <= width:
        return set_cell_size(cell, width)
    return set_cell_size(cell, width - 1) + "…"


def print_facts(facts: Mapping[str, object], *, as_json: bool) -> None:
    """Print facts, one per line, or a JSON object."""
    if as_json:
        print_json(facts)
        return
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        print(f"{name:<{width}}  {shown(value)}")
