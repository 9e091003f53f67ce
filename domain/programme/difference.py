"""Diff of two versions of a programme."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from domain.canonical import canonical_json
from domain.programme.document import to_document
from domain.programme.model import Programme


class ChangeKind(StrEnum):
    """Kinds of change."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One changed value; `path` is dotted, list rows are identified by name."""

    kind: ChangeKind
    path: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        match self.kind:
            case ChangeKind.ADDED:
                return f"+ {self.path}: {self.after}"
            case ChangeKind.REMOVED:
                return f"- {self.path}: {self.before}"
            case ChangeKind.CHANGED:
                return f"~ {self.path}: {self.before} -> {self.after}"
            case _:
                assert_never(self.kind)


def diff(old: Programme | None, new: Programme) -> list[Change]:
    """Return the changes from `old` (`None`: nothing applied yet), sorted by path; empty when equal."""
    before = dict(_flatten(to_document(old), "")) if old is not None else {}
    after = dict(_flatten(to_document(new), ""))
    changes = [_change(path, before.get(path), after.get(path)) for path in sorted({*before, *after})]
    return [change for change in changes if change.before != change.after]


def _change(path: str, before: str | None, after: str | None) -> Change:
    if before is None:
        return Change(ChangeKind.ADDED, path, None, after)
    kind = ChangeKind.REMOVED if after is None else ChangeKind.CHANGED
    return Change(kind, path, before, after)


def _flatten(value: object, path: str) -> Iterator[tuple[str, str]]:
    match value:
        case Mapping():
            for key, inner in value.items():
                yield from _flatten(inner, f"{path}.{key}" if path else str(key))
        case [{"name": _}, *_] as rows:
            for row in rows:
                yield from _flatten_row(row, path)
        case str():
            yield path, value
        case _:
            yield path, canonical_json(value)


def _flatten_row(row: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(row, Mapping):
        rest = {key: inner for key, inner in row.items() if key != "name"}
        yield from _flatten(rest, f"{path}[{row['name']}]")
