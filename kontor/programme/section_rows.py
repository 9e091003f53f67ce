"""Lists of the entries of a programme file's sections, as the file says them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from kontor.programme import file_fields
from kontor.programme.entry_forms import FileBasis
from kontor.programme.file_fields import ON, FileField, FileFieldKind
from kontor.programme.file_sections import FileSection
from kontor.programme.model import Programme
from kontor.ui import formatting
from kontor.ui.console_request import ConsoleRequest
from kontor.ui.listing import Cell, ListColumn

FIGURES: Final = frozenset({FileFieldKind.MONEY, FileFieldKind.NUMBER})
YES: Final = "yes"


def entry_segment(entry: str) -> str:
    """Return an entry as a part of an address; a slash is escaped twice, since the server reads it once."""
    return formatting.segment(entry.replace("%", "%25").replace("/", "%2F"))


def columns_of(section: FileSection, programme: Programme) -> Sequence[ListColumn]:
    """Return the columns of a section's list."""
    shown = (ListColumn(each.label, each.kind in FIGURES) for each in _shown(section, programme))
    return [ListColumn("Name" if section.is_list else "Code"), *shown]


def rows_of(
    request: ConsoleRequest, section: FileSection, basis: FileBasis, root: str, query: str
) -> Sequence[Sequence[Cell]]:
    """Return a row for each entry, in the order of the file; `root`: the address of the list."""
    fields = section.fields(basis.programme)
    shown = _shown(section, basis.programme)
    written = {name: file_fields.written(node, fields) for name, node in section.entries(basis.root).items()}
    resellers = formatting.named(request, {values.get("reseller", "") for values in written.values()})
    return [
        [
            Cell(name, f"{root}/{entry_segment(name)}{query}"),
            *(_cell(each, values, resellers) for each in shown),
        ]
        for name, values in written.items()
    ]


def _shown(section: FileSection, programme: Programme) -> Sequence[FileField]:
    fields = section.fields(programme)
    return [
        each for name in section.columns for each in fields if each.name == name or each.name.startswith(f"{name}.")
    ]


def _cell(each: FileField, values: Mapping[str, str], resellers: Mapping[str, str]) -> Cell:
    value = values[each.name]
    reseller = values.get("reseller", "")
    if each.name == "managed_by" and reseller:
        link = f"/console/accounts/{reseller}" if reseller in resellers else None
        return Cell(resellers.get(reseller, reseller), link, note="a reseller")
    if each.kind is FileFieldKind.FLAG:
        return Cell(YES if value == ON else "")
    if each.kind in FIGURES:
        return Cell(f"{value} {each.unit}".strip() if value else "")
    if each.kind not in (FileFieldKind.CHOICE, FileFieldKind.CHECKS):
        return Cell(value)
    labels = {option or each.default: label for option, label in each.options}
    chosen = file_fields.codes_of(value or each.default)
    return Cell(", ".join(labels.get(text, each.words(text)) for text in chosen))
