"""Where the values of a YAML text stand in it, so that one can be replaced and the rest stays as it is."""

from __future__ import annotations

import re
from typing import Final, TypeAlias

import yaml

from kontor.programme.yaml_nodes import LOADER

Path: TypeAlias = "tuple[str | int, ...]"
"""Keys of mappings and positions in lists, from the root."""
BLOCK_SCALARS: Final = ("|", ">")


def root_of(text: str) -> yaml.Node:
    """Return the tree of a text that is a valid programme file."""
    root = yaml.compose(text, LOADER)
    assert root is not None
    return root


def node_at(root: yaml.Node, path: Path) -> yaml.Node | None:
    """Return the node at a path; None if there is none."""
    node: yaml.Node | None = root
    for step in path:
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
        else:
            return None
    return node


def key_position(mapping: yaml.MappingNode, key: str | int) -> int:
    """Return the position of a key that the mapping has."""
    return next(position for position, (each, _) in enumerate(mapping.value) if each.value == key)


def is_block_scalar(node: yaml.Node) -> bool:
    """Whether a node is a text on lines of its own, after `|` or `>`."""
    return isinstance(node, yaml.ScalarNode) and node.style in BLOCK_SCALARS


def is_flow(node: yaml.Node) -> bool:
    """Whether a node is a mapping or list in braces or brackets."""
    return isinstance(node, yaml.CollectionNode) and bool(node.flow_style)


def start_of(node: yaml.Node) -> int:
    """Return where a node begins."""
    return int(node.start_mark.index)


def end_of(text: str, node: yaml.Node) -> int:
    """Return where the last character of a node's content ends, without what follows it: comments, blank lines."""
    start, end = start_of(node), int(node.end_mark.index)
    if not isinstance(node, yaml.CollectionNode):
        return start + len(text[start:end].rstrip()) if is_block_scalar(node) else end
    if node.flow_style or not node.value:
        return end
    last = node.value[-1]
    return end_of(text, last[1] if isinstance(node, yaml.MappingNode) else last)


def line_start(text: str, index: int) -> int:
    """Return where the line of a character begins."""
    return text.rfind("\n", 0, index) + 1


def line_end(text: str, index: int) -> int:
    """Return where the line of a character ends, before its line break."""
    end = text.find("\n", index)
    if end < 0:
        return len(text)
    return end - 1 if text[end - 1 : end] == "\r" else end


def newline_of(text: str) -> str:
    """Return the line break of a text."""
    return "\r\n" if "\r\n" in text else "\n"


def dash_of(text: str, sequence: yaml.SequenceNode, position: int) -> int:
    """Return where the dash of an item stands; the sequence is in block style."""
    if position == 0:
        return start_of(sequence)
    after, before = end_of(text, sequence.value[position - 1]), start_of(sequence.value[position])
    dashes = re.finditer(rf"^ {{{sequence.start_mark.column}}}-(?=\s)", text[after : before + 1], re.MULTILINE)
    return after + next(dashes).end() - 1


def without(text: str, start: int, end: int) -> str:
    """Return the text without whole lines, from the line of one place to that of another."""
    begin, finish = line_start(text, start), line_end(text, end)
    rest = text[finish:]
    if rest:
        return text[:begin] + rest[len(newline_of(rest[:2])) :]
    return text[:begin].removesuffix("\n").removesuffix("\r")
