"""Typed reading of a programme file; errors are collected with their line."""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from domain.programme.nodes import Entries, Node, ProgrammeError, Scalar, Sequence

Choice = TypeVar("Choice", bound=StrEnum)
Value = TypeVar("Value")
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?", re.ASCII)
_CODE = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*", re.ASCII)
_CODE_LIMIT = 64
_TEXT_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Place:
    """Reads one node; errors are appended to `errors`.

    Every method returns a harmless value after an error, so that reading continues and all errors
    of a file are reported at once.
    """

    node: Node
    path: str
    errors: list[ProgrammeError]

    def complain(self, message: str) -> None:
        """Add an error at this node."""
        self.errors.append(ProgrammeError(self.node.line, self.node.column, self.path, message))

    def text(self) -> str:
        """Read a text of 1 to 200 characters."""
        node = self.node
        if not isinstance(node, Scalar) or node.kind != "str":
            self.complain("a text is required (put numbers, yes, no and dates in quotes)")
        elif not 1 <= len(node.text.strip()) <= _TEXT_LIMIT or not node.text.isprintable():
            self.complain(f"1 to {_TEXT_LIMIT} printable characters are required")
        else:
            return node.text.strip()
        return "?"

    def word(self) -> str:
        """Read a single value as written, whatever its YAML type."""
        if isinstance(self.node, Scalar) and self.node.text and self.node.kind != "null":
            return self.node.text
        self.complain("a single value is required")
        return "?"

    def code(self) -> str:
        """Read a code: lower-case letters and digits, joined by - or _."""
        text = self.word()
        if text != "?" and (not _CODE.fullmatch(text) or len(text) > _CODE_LIMIT):
            self.complain(f"{text!r} is not a valid code: use lower-case letters, digits, - and _")
        return text

    def truth(self) -> bool:
        """Read `true` or `false`."""
        if isinstance(self.node, Scalar) and self.node.text in {"true", "false"} and self.node.kind == "bool":
            return self.node.text == "true"
        self.complain("true or false is required")
        return False

    def decimal(self) -> Decimal:
        """Read a decimal number, quoted or not."""
        if isinstance(self.node, Scalar) and _NUMBER.fullmatch(self.node.text):
            return Decimal(self.node.text)
        self.complain("a decimal number is required")
        return Decimal(0)

    def whole(self, low: int, high: int) -> int:
        """Read an integer from `low` to `high`."""
        if isinstance(self.node, Scalar) and self.node.text.isascii() and self.node.text.isdigit():
            number = int(self.node.text[:19])
            if low <= number <= high:
                return number
        self.complain(f"a whole number from {low} to {high} is required")
        return high

    def percent(self) -> Decimal:
        """Read a percentage, 0 to 100."""
        number = self.decimal()
        if 0 <= number <= 100:
            return number
        self.complain(f"a percentage must be 0 to 100, not {number}")
        return Decimal(0)

    def day(self) -> date | None:
        """Read a date `YYYY-MM-DD`."""
        try:
            return date.fromisoformat(self.word()[:11])
        except ValueError:
            self.complain("a date YYYY-MM-DD is required")
            return None

    def choice(self, kind: type[Choice]) -> Choice:
        """Read one of the values of an enum."""
        text = self.word()
        for member in kind:
            if member.value == text:
                return member
        self.complain(f"{text!r} is not one of {', '.join(member.value for member in kind)}")
        return next(iter(kind))

    def checked(self, check: Callable[[str], Value], fallback: Value) -> Value:
        """Read a text and convert it by `check`; its `ValueError` becomes the error."""
        text = self.text()
        if text == "?":
            return fallback
        try:
            return check(text)
        except ValueError as error:
            self.complain(str(error))
            return fallback

    def known(self, codes: Collection[str], what: str) -> str:
        """Read a code that is one of `codes`; `what` names the kind in the error."""
        text = self.word()
        if text not in codes and text != "?":
            self.complain(f"unknown {what} {text!r}")
        return text

    def items(self) -> Iterator["Place"]:
        """Read the members of a list."""
        if not isinstance(self.node, Sequence):
            self.complain("a list is required")
            return
        for index, item in enumerate(self.node.items):
            yield Place(item, f"{self.path}[{index}]", self.errors)

    def entries(self) -> dict[str, "Place"]:
        """Read the values of a mapping by key; duplicate keys are errors."""
        if not isinstance(self.node, Entries):
            self.complain("a mapping is required")
            return {}
        values: dict[str, Place] = {}
        for key, value in self.node.pairs:
            name = key.text if isinstance(key, Scalar) else ""
            path = f"{self.path}.{name}" if self.path else name
            if not name:
                Place(key, self.path, self.errors).complain("a key must be a single value")
            elif name in values:
                Place(key, path, self.errors).complain("duplicate key")
            else:
                values[name] = Place(value, path, self.errors)
        return values

    def child(self, name: str) -> "Place":
        """Return the value of a key of a mapping; this node itself if the key is missing."""
        for key, value in self.node.pairs if isinstance(self.node, Entries) else ():
            if isinstance(key, Scalar) and key.text == name:
                return Place(value, f"{self.path}.{name}" if self.path else name, self.errors)
        return self

    def key_of(self, name: str) -> "Place":
        """Return a key of a mapping as a node, for errors about the key."""
        pairs = self.node.pairs if isinstance(self.node, Entries) else ()
        for key, _ in pairs:
            if isinstance(key, Scalar) and key.text == name:
                return Place(key, f"{self.path}.{name}" if self.path else name, self.errors)
        return self


class Section:
    """A mapping with expected keys; `close` reports the others."""

    def __init__(self, field: Place) -> None:
        self.field = field
        self._entries = field.entries()
        self._readable = isinstance(field.node, Entries)
        self._expected: set[str] = set()

    def take(self, key: str) -> Place | None:
        """Return the value of an optional key."""
        self._expected.add(key)
        return self._entries.get(key)

    def need(self, key: str) -> Place:
        """Return the value of a required key; an empty node, after an error, if it is missing."""
        value = self.take(key)
        if value is not None:
            return value
        if self._readable:
            self.field.complain(f"the key {key!r} is missing")
        return Place(Scalar(0, 0, "", "missing"), self.field.path, [])

    def close(self) -> None:
        """Report every unknown key."""
        for key in self._entries:
            if key not in self._expected:
                expected = ", ".join(sorted(self._expected))
                self.field.key_of(key).complain(f"unknown key (allowed here: {expected})")
