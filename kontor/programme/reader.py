"""Typed reading of a programme file; errors are collected with their line."""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from pydantic import JsonValue

from kontor.kernel.zones import parse_day
from kontor.programme.yaml_nodes import Entries, ItemList, Node, ProgrammeError, Scalar

Choice = TypeVar("Choice", bound=StrEnum)
Value = TypeVar("Value")
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?", re.ASCII)
_CODE = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*", re.ASCII)
_CODE_LIMIT = 64
_TEXT_LIMIT = 200


@dataclass(frozen=True, slots=True)
class FieldReader:
    """Reads one node; errors are appended to `errors`.

    Every method returns a harmless value after an error, so that reading continues and all errors
    of a file are reported at once.
    """

    node: Node
    path: str
    errors: list[ProgrammeError]

    def add_error(self, message: str) -> None:
        """Add an error at this node."""
        self.errors.append(ProgrammeError(self.node.line, self.node.column, self.path, message))

    def text(self) -> str:
        """Read a text of 1 to 200 characters."""
        node = self.node
        if not isinstance(node, Scalar) or node.kind != "str":
            self.add_error("a text is required (put numbers, yes, no and dates in quotes)")
        elif not 1 <= len(node.text.strip()) <= _TEXT_LIMIT or not node.text.isprintable():
            self.add_error(f"1 to {_TEXT_LIMIT} printable characters are required")
        else:
            return node.text.strip()
        return "?"

    def word(self) -> str:
        """Read a single value as written, whatever its YAML type."""
        if isinstance(self.node, Scalar) and self.node.text and self.node.kind != "null":
            return self.node.text
        self.add_error("a single value is required")
        return "?"

    def code(self) -> str:
        """Read a code: lower-case letters and digits, joined by - or _."""
        text = self.word()
        if text != "?" and (not _CODE.fullmatch(text) or len(text) > _CODE_LIMIT):
            self.add_error(f"{text!r} is not a valid code: use lower-case letters, digits, - and _")
        return text

    def boolean(self) -> bool:
        """Read `true` or `false`."""
        if isinstance(self.node, Scalar) and self.node.text in {"true", "false"} and self.node.kind == "bool":
            return self.node.text == "true"
        self.add_error("true or false is required")
        return False

    def decimal(self) -> Decimal:
        """Read a decimal number, quoted or not."""
        if isinstance(self.node, Scalar) and _NUMBER.fullmatch(self.node.text):
            return Decimal(self.node.text)
        self.add_error("a decimal number is required")
        return Decimal(0)

    def integer(self, low: int, high: int) -> int:
        """Read an integer from `low` to `high`."""
        if isinstance(self.node, Scalar) and self.node.text.isascii() and self.node.text.isdigit():
            number = int(self.node.text[:19])
            if low <= number <= high:
                return number
        self.add_error(f"a whole number from {low} to {high} is required")
        return high

    def percent(self) -> Decimal:
        """Read a percentage, 0 to 100."""
        number = self.decimal()
        if 0 <= number <= 100:
            return number
        self.add_error(f"a percentage must be 0 to 100, not {number}")
        return Decimal(0)

    def day(self) -> date | None:
        """Read a date `YYYY-MM-DD`."""
        try:
            return parse_day(self.word())
        except ValueError:
            self.add_error("a date YYYY-MM-DD is required")
            return None

    def instant(self) -> datetime | None:
        """Read an ISO 8601 instant with its offset."""
        try:
            instant = datetime.fromisoformat(self.word())
        except ValueError:
            instant = None
        if instant is None or instant.utcoffset() is None:
            self.add_error("an instant with its offset is required, such as 2026-03-01T00:00:00+01:00")
            return None
        return instant

    def choice(self, kind: type[Choice]) -> Choice:
        """Read one of the values of an enum."""
        text = self.word()
        for member in kind:
            if member.value == text:
                return member
        self.add_error(f"{text!r} is not one of {', '.join(member.value for member in kind)}")
        return next(iter(kind))

    def validated(self, check: Callable[[str], Value], fallback: Value) -> Value:
        """Read a text and convert it by `check`; its `ValueError` becomes the error."""
        text = self.text()
        if text == "?":
            return fallback
        try:
            return check(text)
        except ValueError as error:
            self.add_error(str(error))
            return fallback

    def one_of_codes(self, codes: Collection[str], what: str) -> str:
        """Read a code that is one of `codes`; `what` names the kind in the error."""
        text = self.word()
        if text not in codes and text != "?":
            self.add_error(f"unknown {what} {text!r}")
        return text

    def items(self) -> Iterator["FieldReader"]:
        """Read the members of a list."""
        if not isinstance(self.node, ItemList):
            self.add_error("a list is required")
            return
        for index, item in enumerate(self.node.items):
            yield FieldReader(item, f"{self.path}[{index}]", self.errors)

    def entries(self) -> dict[str, "FieldReader"]:
        """Read the values of a mapping by key; duplicate keys are errors."""
        if not isinstance(self.node, Entries):
            self.add_error("a mapping is required")
            return {}
        values: dict[str, FieldReader] = {}
        for key, value in self.node.pairs:
            name = key.text if isinstance(key, Scalar) else ""
            path = f"{self.path}.{name}" if self.path else name
            if not name:
                FieldReader(key, self.path, self.errors).add_error("a key must be a single value")
            elif name in values:
                FieldReader(key, path, self.errors).add_error("duplicate key")
            else:
                values[name] = FieldReader(value, path, self.errors)
        return values

    def json(self) -> JsonValue:
        """Read any value; a number is whole, since stored documents have no others."""
        node = self.node
        if isinstance(node, Entries):
            return {name: inner.json() for name, inner in self.entries().items()}
        if isinstance(node, ItemList):
            return [inner.json() for inner in self.items()]
        if node.kind == "float":
            self.add_error("numbers here are whole")
        return {"null": None, "bool": node.text == "true", "int": _whole(node.text)}.get(node.kind, node.text)

    def child(self, name: str) -> "FieldReader":
        """Return the value of a key of a mapping; this node itself if the key is missing."""
        for key, value in self.node.pairs if isinstance(self.node, Entries) else ():
            if isinstance(key, Scalar) and key.text == name:
                return FieldReader(value, f"{self.path}.{name}" if self.path else name, self.errors)
        return self

    def key_of(self, name: str) -> "FieldReader":
        """Return a key of a mapping as a node, for errors about the key."""
        pairs = self.node.pairs if isinstance(self.node, Entries) else ()
        for key, _ in pairs:
            if isinstance(key, Scalar) and key.text == name:
                return FieldReader(key, f"{self.path}.{name}" if self.path else name, self.errors)
        return self


def _whole(text: str) -> int:
    """Return a whole number; 0 for what is none."""
    return int(text) if text.lstrip("-").isdecimal() else 0


class SectionReader:
    """A mapping with expected keys; `close` reports the others."""

    def __init__(self, field: FieldReader) -> None:
        self.field = field
        self._entries = field.entries()
        self._readable = isinstance(field.node, Entries)
        self._expected: set[str] = set()

    def optional(self, key: str) -> FieldReader | None:
        """Return the value of an optional key."""
        self._expected.add(key)
        return self._entries.get(key)

    def required(self, key: str) -> FieldReader:
        """Return the value of a required key; an empty node, after an error, if it is missing."""
        value = self.optional(key)
        if value is not None:
            return value
        if self._readable:
            self.field.add_error(f"the key {key!r} is missing")
        return FieldReader(Scalar(0, 0, "", "missing"), self.field.path, [])

    def reject_unknown(self) -> None:
        """Report every unknown key."""
        for key in self._entries:
            if key not in self._expected:
                expected = ", ".join(sorted(self._expected))
                self.field.key_of(key).add_error(f"unknown key (allowed here: {expected})")
