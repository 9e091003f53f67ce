"""Reading a place in a programme file: its value, or a complaint at its line."""

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
    """A node, where it is, and the list that complaints go to.

    Every reader answers with a harmless value after a complaint, so that reading goes on and all
    errors of a file are found at once.
    """

    node: Node
    path: str
    errors: list[ProgrammeError]

    def complain(self, message: str) -> None:
        """Write down what is wrong here."""
        self.errors.append(ProgrammeError(self.node.line, self.node.column, self.path, message))

    def text(self) -> str:
        """Text of 1 to 200 characters."""
        node = self.node
        if not isinstance(node, Scalar) or node.kind != "str":
            self.complain("text is needed (a number, yes, no or a date goes in quotes)")
        elif not 1 <= len(node.text.strip()) <= _TEXT_LIMIT or not node.text.isprintable():
            self.complain(f"1 to {_TEXT_LIMIT} printable characters are needed")
        else:
            return node.text.strip()
        return "?"

    def word(self) -> str:
        """A single value as it is written, whatever YAML takes it for."""
        if isinstance(self.node, Scalar) and self.node.text and self.node.kind != "null":
            return self.node.text
        self.complain("a single value is needed")
        return "?"

    def code(self) -> str:
        """A code: lower-case letters and digits, joined by - or _."""
        text = self.word()
        if text != "?" and (not _CODE.fullmatch(text) or len(text) > _CODE_LIMIT):
            self.complain(f"{text!r} is no code: lower-case letters, digits, - and _")
        return text

    def truth(self) -> bool:
        """`true` or `false`."""
        if isinstance(self.node, Scalar) and self.node.text in {"true", "false"} and self.node.kind == "bool":
            return self.node.text == "true"
        self.complain("true or false is needed")
        return False

    def decimal(self) -> Decimal:
        """A decimal number, quoted or not."""
        if isinstance(self.node, Scalar) and _NUMBER.fullmatch(self.node.text):
            return Decimal(self.node.text)
        self.complain("a decimal number is needed")
        return Decimal(0)

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        if isinstance(self.node, Scalar) and self.node.text.isascii() and self.node.text.isdigit():
            number = int(self.node.text[:19])
            if low <= number <= high:
                return number
        self.complain(f"a whole number from {low} to {high} is needed")
        return high

    def percent(self) -> Decimal:
        """0 to 100."""
        number = self.decimal()
        if 0 <= number <= 100:
            return number
        self.complain(f"a percentage is 0 to 100, not {number}")
        return Decimal(0)

    def day(self) -> date | None:
        """`YYYY-MM-DD`."""
        try:
            return date.fromisoformat(self.word()[:11])
        except ValueError:
            self.complain("a date YYYY-MM-DD is needed")
            return None

    def choice(self, kind: type[Choice]) -> Choice:
        """One of the values of an enum."""
        text = self.word()
        for member in kind:
            if member.value == text:
                return member
        self.complain(f"{text!r} is not one of {', '.join(member.value for member in kind)}")
        return next(iter(kind))

    def checked(self, check: Callable[[str], Value], fallback: Value) -> Value:
        """What `check` makes of the text; its `ValueError` becomes the complaint."""
        text = self.text()
        if text == "?":
            return fallback
        try:
            return check(text)
        except ValueError as error:
            self.complain(str(error))
            return fallback

    def known(self, codes: Collection[str], what: str) -> str:
        """A code that is one of `codes`."""
        text = self.word()
        if text not in codes and text != "?":
            self.complain(f"unknown {what} {text!r}")
        return text

    def items(self) -> Iterator["Place"]:
        """The members of a list."""
        if not isinstance(self.node, Sequence):
            self.complain("a list is needed")
            return
        for index, item in enumerate(self.node.items):
            yield Place(item, f"{self.path}[{index}]", self.errors)

    def entries(self) -> dict[str, "Place"]:
        """The values of a mapping by key, each key once."""
        if not isinstance(self.node, Entries):
            self.complain("a mapping is needed")
            return {}
        found: dict[str, Place] = {}
        for key, value in self.node.pairs:
            name = key.text if isinstance(key, Scalar) else ""
            path = f"{self.path}.{name}" if self.path else name
            if not name:
                Place(key, self.path, self.errors).complain("a key is a single value")
            elif name in found:
                Place(key, path, self.errors).complain("the key is written twice")
            else:
                found[name] = Place(value, path, self.errors)
        return found

    def child(self, name: str) -> "Place":
        """The value of a key of a mapping; the place itself when there is none."""
        for key, value in self.node.pairs if isinstance(self.node, Entries) else ():
            if isinstance(key, Scalar) and key.text == name:
                return Place(value, f"{self.path}.{name}" if self.path else name, self.errors)
        return self

    def key_of(self, name: str) -> "Place":
        """The place of a mapping's key itself (for complaints about the key)."""
        pairs = self.node.pairs if isinstance(self.node, Entries) else ()
        for key, _ in pairs:
            if isinstance(key, Scalar) and key.text == name:
                return Place(key, f"{self.path}.{name}" if self.path else name, self.errors)
        return self


class Section:
    """A mapping with known keys; `close` complains about the others."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._entries = place.entries()
        self._readable = isinstance(place.node, Entries)
        self._known: set[str] = set()

    def take(self, key: str) -> Place | None:
        """The value of an optional key."""
        self._known.add(key)
        return self._entries.get(key)

    def need(self, key: str) -> Place:
        """The value of a key that must be there; nothing, after a complaint, when it is not."""
        found = self.take(key)
        if found is not None:
            return found
        if self._readable:
            self.place.complain(f"the key {key!r} is missing")
        return Place(Scalar(0, 0, "", "missing"), self.place.path, [])

    def close(self) -> None:
        """Complain about every key that nobody asked for."""
        for key in self._entries:
            if key not in self._known:
                expected = ", ".join(sorted(self._known))
                self.place.key_of(key).complain(f"unknown key (known here: {expected})")
