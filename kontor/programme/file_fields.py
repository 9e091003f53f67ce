"""Fields of the forms by which people change a programme file: what the file says, what was typed, and the edits."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, assert_never

from pydantic import JsonValue

from kontor.programme.model import Locale
from kontor.programme.reader import FieldReader
from kontor.programme.text_edits import Edit, InsertItem, Remove, SetValue
from kontor.programme.yaml_nodes import Entries, ItemList, Node, ProgrammeError, Scalar
from kontor.programme.yaml_spans import Path
from kontor.programme.yaml_values import Literal, Value

Values = Mapping[str, str]
"""What stands in the fields, by name; what the file leaves out is an empty text."""
ON: Final = "true"
MISSING: Final = re.compile(r"the key '(\w+)'")


class FileFieldKind(StrEnum):
    """How a field is shown, and how its value is written in the file."""

    TEXT = "text"
    CODE = "code"
    MONEY = "money"
    NUMBER = "number"
    DAY = "day"
    FLAG = "flag"
    CHOICE = "choice"
    CODES = "codes"
    CHECKS = "checks"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class FileField:
    """A key of an entry; dots in its name lead into mappings.

    `options`: (value, label) of a choice, where an empty value leaves the key out and means `default`; `words` labels
    other values that a file has. `unit` stands beside the label.
    """

    name: str
    label: str
    kind: FileFieldKind = FileFieldKind.TEXT
    required: bool = False
    options: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    unit: str = ""
    default: str = ""
    words: Callable[[str], str] = str

    def typed(self, form: Mapping[str, str]) -> str:
        """Return what was typed; of several boxes the values of those that are ticked, with commas."""
        if self.kind is FileFieldKind.CHECKS:
            return ",".join(value for value, _ in self.options if form.get(f"{self.name}:{value}"))
        return form.get(self.name, "").strip().replace("\r\n", "\n")


def codes_of(text: str) -> list[str]:
    """Return the codes of a text that has commas between them."""
    return [code for code in (each.strip() for each in text.split(",")) if code]


def names_fields() -> tuple[FileField, ...]:
    """Return a field for the name in each language."""
    languages = {Locale.EN: "English", Locale.DE: "German", Locale.FR: "French", Locale.RU: "Russian"}
    return tuple(FileField(f"names.{locale}", f"Name in {languages.get(locale, 'Japanese')}") for locale in Locale)


def written(entry: Node | None, fields: Sequence[FileField]) -> dict[str, str]:
    """Return what an entry of the file says in each field."""
    return {each.name: _written(entry, each) for each in fields}


def _written(entry: Node | None, each: FileField) -> str:
    node = entry
    for step in each.name.split("."):
        pairs = node.pairs if isinstance(node, Entries) else ()
        node = next((value for key, value in pairs if isinstance(key, Scalar) and key.text == step), None)
    match node:
        case None:
            return ""
        case Scalar():
            return ("" if node.text == "false" else node.text) if each.kind is FileFieldKind.FLAG else node.text
        case ItemList() if each.kind is not FileFieldKind.JSON:
            comma = "," if each.kind is FileFieldKind.CHECKS else ", "
            return comma.join(item.text for item in node.items if isinstance(item, Scalar))
        case _:
            value = FieldReader(node, "", []).json()
            return json.dumps(value, indent=2, ensure_ascii=False)


def with_own_values(fields: Sequence[FileField], values: Values) -> tuple[FileField, ...]:
    """Return fields whose choices also offer what the file says, or what was typed."""
    return tuple(_with_own(each, values.get(each.name, "")) for each in fields)


def _with_own(each: FileField, value: str) -> FileField:
    if each.kind not in (FileFieldKind.CHOICE, FileFieldKind.CHECKS) or not value:
        return each
    if each.kind is FileFieldKind.CHOICE and value == each.default:
        return replace(each, options=tuple((option or value, label) for option, label in each.options))
    offered = {option for option, _ in each.options}
    own = (text for text in (codes_of(value) if each.kind is FileFieldKind.CHECKS else [value]) if text not in offered)
    return replace(each, options=(*each.options, *((text, each.words(text)) for text in own)))


def changes(path: Path, fields: Sequence[FileField], before: Values, after: Values, *, present: bool) -> list[Edit]:
    """Return the edits of an entry for the fields whose values differ; `present`: the file has the entry."""
    differing = [each for each in fields if before.get(each.name, "") != after.get(each.name, "")]
    order = _order(fields)
    if not present:
        entry = new_entry(differing, after)
        return [InsertItem(path, entry) if isinstance(path[-1], int) else SetValue(path, entry)]
    edits: list[Edit] = []
    for each in differing:
        target, old, new = (*path, *each.name.split(".")), before.get(each.name, ""), after[each.name]
        if old and new and each.kind in (FileFieldKind.CODES, FileFieldKind.CHECKS):
            edits += _item_edits(target, codes_of(old), codes_of(new))
        elif new or each.kind is FileFieldKind.FLAG:
            edits.append(SetValue(target, value_of(each, new), order))
        else:
            edits.append(Remove(target, keep=path))
    return edits


def _item_edits(target: Path, old: Sequence[str], new: Sequence[str]) -> list[Edit]:
    """Return the edits of a list of codes: the new ones at its end, then without those that go."""
    added = [each for each in new if each not in old]
    gone = [position for position, each in enumerate(old) if each not in new]
    return [
        *(InsertItem((*target, len(old) + position), Literal(each)) for position, each in enumerate(added)),
        *(Remove((*target, position)) for position in reversed(gone)),
    ]


def _order(fields: Sequence[FileField]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(step for each in fields for step in each.name.split(".")))


def new_entry(fields: Sequence[FileField], values: Values) -> Value:
    """Return an entry with what was typed."""
    entry: dict[str, Value] = {}
    for each in fields:
        *above, key = each.name.split(".")
        holder = entry
        for step in above:
            inner = holder.setdefault(step, {})
            assert isinstance(inner, dict)
            holder = inner
        holder[key] = value_of(each, values[each.name])
    return entry


def value_of(each: FileField, text: str) -> Value:
    """Return a typed text as the file writes it."""
    match each.kind:
        case FileFieldKind.TEXT:
            return text
        case FileFieldKind.MONEY:
            return Literal(text, quoted=True)
        case FileFieldKind.CODE | FileFieldKind.NUMBER | FileFieldKind.DAY | FileFieldKind.CHOICE:
            return Literal(text)
        case FileFieldKind.FLAG:
            return text == ON
        case FileFieldKind.CODES | FileFieldKind.CHECKS:
            return tuple(Literal(code) for code in codes_of(text))
        case FileFieldKind.JSON:
            return _json_value(text)
        case _:
            assert_never(each.kind)


def _json_value(text: str) -> Value:
    """Return JSON as a value of the file; a text that is none stays a text, which the file's rules refuse."""
    try:
        return _of_json(json.loads(text))
    except (ValueError, RecursionError):
        return text


def _of_json(value: JsonValue) -> Value:
    match value:
        case bool() | str():
            return value
        case list():
            return tuple(_of_json(each) for each in value)
        case dict():
            return {key: _of_json(each) for key, each in value.items()}
        case _:
            return Literal(json.dumps(value))


@dataclass(frozen=True, slots=True)
class PlacedErrors:
    """Errors of a file beside the fields of one entry's form, and those of the rest of the file."""

    beside: Mapping[str, str]
    elsewhere: Sequence[ProgrammeError]


def placed(
    errors: Collection[ProgrammeError], section: str, entry: str, names: Sequence[str], main: str
) -> PlacedErrors:
    """Place each error beside the field that it is about; `main`: the field for the entry or section as a whole."""
    beside: dict[str, str] = {}
    elsewhere: list[ProgrammeError] = []
    for error in errors:
        name = _field_of(error, section, entry, names, main)
        if name is None:
            elsewhere.append(error)
        else:
            beside[name] = f"{beside[name]}; {error.message}" if name in beside else error.message
    return PlacedErrors(beside, elsewhere)


def _field_of(error: ProgrammeError, section: str, entry: str, names: Sequence[str], main: str) -> str | None:
    if error.path == entry:
        missing = MISSING.search(error.message)
        named = missing[1] if missing else "code" if "code" in error.message else main
        return named if named in names else main
    if error.path.startswith((f"{entry}.", f"{entry}[")):
        return next((each for each in _prefixes(error.path[len(entry) + 1 :]) if each in names), main)
    return main if error.path == section else None


def _prefixes(path: str) -> Iterator[str]:
    """Yield a path such as `terms[0].x`, then what leads to it, longest first."""
    yield path
    for match in reversed(list(re.finditer(r"[.\[]", path))):
        yield path[: match.start()]
