"""Tree of values with line numbers, from YAML text or a stored document."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import yaml

TEXT_LIMIT: Final = 512 * 1024
DEPTH_LIMIT: Final = 20
# libyaml's loader where PyYAML was built with it: a tenth of the time.
LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
PLAIN_TAGS: Final = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp")}


@dataclass(frozen=True, slots=True)
class ProgrammeError:
    """An error in a programme file; line and column count from 1 (0: stored document)."""

    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        position = f"line {self.line}, column {self.column}"
        return f"{position}: {self.path}: {self.message}" if self.path else f"{position}: {self.message}"


class UnreadableDocument(Exception):
    """The text is not a single YAML document of plain values."""

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(message)
        self.error = ProgrammeError(line, column, "", message)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value as written; `kind` is its YAML type: str, int, float, bool, ..."""

    line: int
    column: int
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class ItemList:
    """A list."""

    line: int
    column: int
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Entries:
    """A mapping with every key as written, duplicates included."""

    line: int
    column: int
    pairs: tuple[tuple["Node", "Node"], ...]


Node = Scalar | ItemList | Entries


def parse_yaml(text: str) -> Node:
    """Parse a YAML text with a single document; raises `Unreadable`."""
    if len(text) > TEXT_LIMIT:
        raise UnreadableDocument(1, 1, f"the file is longer than {TEXT_LIMIT // 1024} KiB")
    try:
        _check_events(yaml.parse(text, LOADER))
        root = yaml.compose(text, LOADER)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - text.rfind("\n", 0, error.position)
        raise UnreadableDocument(line, column, "the file contains a character that YAML does not allow") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise UnreadableDocument(line, column, f"invalid YAML: {error.problem or error.context}") from error
    if root is None:
        raise UnreadableDocument(1, 1, "the file is empty")
    return _convert(root)


def nodes_from_value(value: object) -> Node:
    """Build the tree from JSON values; raises `Unreadable`."""
    match value:
        case Mapping():
            pairs = ((Scalar(0, 0, str(key), "str"), nodes_from_value(inner)) for key, inner in value.items())
            return Entries(0, 0, tuple(pairs))
        case list() | tuple():
            return ItemList(0, 0, tuple(nodes_from_value(inner) for inner in value))
        case str():
            return Scalar(0, 0, value, "str")
        case bool():
            return Scalar(0, 0, "true" if value else "false", "bool")
        case int():
            return Scalar(0, 0, str(value), "int")
        case None:
            return Scalar(0, 0, "", "null")
        case _:
            raise UnreadableDocument(0, 0, f"a document cannot contain a {type(value).__name__}")


def _check_events(events: Iterable[yaml.Event]) -> None:
    """Refuse aliases, several documents and deep nesting before the tree is built."""
    depth = documents = 0
    for event in events:
        mark = event.start_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise UnreadableDocument(line, column, "anchors and aliases are not allowed")
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        if documents > 1:
            raise UnreadableDocument(line, column, "a file must contain a single document")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH_LIMIT:
            raise UnreadableDocument(line, column, f"nested deeper than {DEPTH_LIMIT} levels")


def _convert(node: yaml.Node) -> Node:
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
        return Entries(line, column, tuple((_convert(key), _convert(value)) for key, value in node.value))
    if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
        return ItemList(line, column, tuple(_convert(item) for item in node.value))
    if isinstance(node, yaml.ScalarNode) and (node.tag in PLAIN_TAGS or node.tag.endswith(":merge")):
        return Scalar(line, column, node.value, node.tag.rpartition(":")[2])
    raise UnreadableDocument(line, column, f"the tag {node.tag!r} is not allowed")
