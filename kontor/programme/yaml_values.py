"""How a value is written in a programme file: quotes where YAML needs them, or as the value before had them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import yaml

from kontor.programme.yaml_nodes import LOADER, PLAIN_TAGS

STRING: Final = "tag:yaml.org,2002:str"
STEP: Final = 2
"""Spaces by which a new mapping is indented."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, day or code: any YAML type will do. `quoted`: a new one stands in quotes, which keep its decimals."""

    text: str
    quoted: bool = False


Value: TypeAlias = "bool | str | Literal | tuple[Value, ...] | Mapping[str, Value]"


def scalar(value: bool | str | Literal, style: str = "", *, flow: bool) -> str:
    """Return a single value in a quoting style; in double quotes where YAML would read another without."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value.text if isinstance(value, Literal) else value
    if style == "'" and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    if style == '"' or (isinstance(value, Literal) and value.quoted and not style):
        return _double_quoted(text)
    return text if _is_plain(text, any_type=isinstance(value, Literal), flow=flow) else _double_quoted(text)


def in_line(value: Value) -> str:
    """Return a value in flow style, on one line."""
    match value:
        case Mapping():
            return "{" + ", ".join(f"{key_text(key)}: {in_line(inner)}" for key, inner in value.items()) + "}"
        case tuple():
            return "[" + ", ".join(in_line(inner) for inner in value) + "]"
        case _:
            return scalar(value, flow=True)


def pair_lines(key: str, value: Value, indent: int) -> list[str]:
    """Return the lines of `key: value` in block style; `key` is as it is to be written."""
    pad = " " * indent
    match value:
        case Mapping() if value:
            inner = (line for name, each in value.items() for line in pair_lines(key_text(name), each, indent + STEP))
            return [f"{pad}{key}:", *inner]
        case Mapping() | tuple():
            return [f"{pad}{key}: {in_line(value)}"]
        case _:
            return [f"{pad}{key}: {scalar(value, flow=False)}"]


def item_lines(value: Value, indent: int) -> list[str]:
    """Return the lines of `- value` in block style."""
    pad = " " * indent
    if not isinstance(value, Mapping) or not value:
        return [f"{pad}- {in_line(value) if isinstance(value, Mapping | tuple) else scalar(value, flow=False)}"]
    lines = [line for key, each in value.items() for line in pair_lines(key_text(key), each, indent + STEP)]
    return [f"{pad}- {lines[0].lstrip(' ')}", *lines[1:]]


def key_text(key: str) -> str:
    """Return a key as it is written."""
    return scalar(Literal(key), flow=True)


def _is_plain(text: str, *, any_type: bool, flow: bool) -> bool:
    """Whether YAML reads the text as it is without quotes, and as a text unless any type will do."""
    if not text.isprintable():
        return False
    try:
        sequence = yaml.compose(f"[{text}]" if flow else f"- {text}", LOADER)
    except yaml.YAMLError:
        return False
    if not isinstance(sequence, yaml.SequenceNode) or len(sequence.value) != 1:
        return False
    node = sequence.value[0]
    is_plain = isinstance(node, yaml.ScalarNode) and not node.style and node.value == text
    return is_plain and (node.tag == STRING or (any_type and node.tag in PLAIN_TAGS))


def _double_quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if char.isprintable() else f"\\U{ord(char):08X}" for char in escaped) + '"'
