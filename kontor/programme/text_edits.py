"""Edits of a programme file's text: each changes one value or entry, every other line stays byte for byte.

The text is cut where the YAML parser says that a value stands. What comes out is read again and compared with what the
edits ask for, so a text that cannot be cut is refused, never damaged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, assert_never

import yaml

from kontor.kernel.serialization import BYTE_ORDER_MARK
from kontor.programme.yaml_nodes import Entries, Node, Scalar, UnreadableDocument, parse_yaml
from kontor.programme.yaml_spans import (
    Path,
    dash_of,
    end_of,
    is_block_scalar,
    is_flow,
    key_position,
    line_end,
    newline_of,
    node_at,
    root_of,
    start_of,
    without,
)
from kontor.programme.yaml_values import Literal, Value, in_line, item_lines, key_text, pair_lines, scalar


class UneditableText(ValueError):
    """The text is written in a way that no edit can change without touching more."""


@dataclass(frozen=True, slots=True)
class SetValue:
    """Set the value of a key; mappings above it that are missing are added. `order`: of the keys beside it."""

    path: Path
    value: Value
    order: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class InsertItem:
    """Add an item to a list before the one at the last position of `path`, or at its end."""

    path: Path
    value: Value


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove a key or an item, and the mapping that has no other; the one at `keep` stays, empty."""

    path: Path
    keep: Path = ()


Edit: TypeAlias = SetValue | InsertItem | Remove


def edited(text: str, edits: Sequence[Edit]) -> str:
    """Return the text with edits, one after another. Raises UneditableText."""
    mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
    body = text.removeprefix(mark)
    for edit in edits:
        changed = _applied(body, edit)
        if not _is_as_asked(body, changed, edit):
            raise UneditableText
        body = changed
    return mark + body


def _applied(text: str, edit: Edit) -> str:
    try:
        match edit:
            case SetValue():
                return _set(text, edit)
            case InsertItem():
                return _insert_item(text, edit)
            case Remove():
                return _remove(text, edit.path, edit.keep)
            case _:
                assert_never(edit)
    except (IndexError, StopIteration):
        raise UneditableText from None


def _set(text: str, edit: SetValue) -> str:
    root = root_of(text)
    node, parent = node_at(root, edit.path), node_at(root, edit.path[:-1])
    if node is not None and parent is not None:
        return _replace(text, parent, node, edit)
    if isinstance(parent, yaml.MappingNode):
        return _insert_pair(text, parent, edit)
    *above, key = edit.path
    return _set(text, SetValue(tuple(above), {str(key): edit.value}, edit.order))


def _replace(text: str, parent: yaml.Node, node: yaml.Node, edit: SetValue) -> str:
    start, end = start_of(node), end_of(text, node)
    is_single = not isinstance(edit.value, Mapping | tuple)
    if isinstance(node, yaml.ScalarNode) and is_single and not is_block_scalar(node):
        assert not isinstance(edit.value, Mapping | tuple)
        style = node.style or ("" if start == end else "plain")
        value = scalar(edit.value, style, flow=is_flow(parent))
        return text[:start] + (" " if start == end else "") + value + text[end:]
    if is_flow(parent) or not isinstance(parent, yaml.MappingNode):
        return text[:start] + in_line(edit.value) + text[end:]
    key = parent.value[key_position(parent, edit.path[-1])][0]
    name = text[start_of(key) : int(key.end_mark.index)]
    lines = pair_lines(name, edit.value, int(parent.start_mark.column))
    return text[: start_of(key)] + newline_of(text).join(lines).lstrip(" ") + text[end:]


def _insert_pair(text: str, mapping: yaml.MappingNode, edit: SetValue) -> str:
    key, pairs = key_text(str(edit.path[-1])), mapping.value
    anchor = _anchor([each.value for each, _ in pairs], str(edit.path[-1]), edit.order)
    if mapping.flow_style:
        pair = f"{key}: {in_line(edit.value)}"
        if not pairs:
            at, piece = start_of(mapping) + 1, pair
        elif anchor is None:
            at, piece = start_of(pairs[0][0]), f"{pair}, "
        else:
            at, piece = end_of(text, pairs[anchor][1]), f", {pair}"
        return text[:at] + piece + text[at:]
    column, newline = int(mapping.start_mark.column), newline_of(text)
    lines = newline.join(pair_lines(key, edit.value, column))
    if anchor is None:
        at = start_of(pairs[0][0])
        return text[:at] + lines.lstrip(" ") + newline + " " * column + text[at:]
    at = line_end(text, end_of(text, pairs[anchor][1]))
    blank = newline if len(edit.path) == 1 else ""
    return text[:at] + newline + blank + lines + text[at:]


def _anchor(keys: Sequence[str], key: str, order: Sequence[str]) -> int | None:
    """Return the position of the key after which a new one stands; None: before all."""
    if key not in order:
        return len(keys) - 1 if keys else None
    before = order[: order.index(key)]
    return max((position for position, each in enumerate(keys) if each in before), default=None)


def _insert_item(text: str, edit: InsertItem) -> str:
    *above, position = edit.path
    sequence = node_at(root_of(text), tuple(above))
    if not isinstance(sequence, yaml.SequenceNode) or not isinstance(position, int):
        return _set(text, SetValue(tuple(above), (edit.value,)))
    items = sequence.value
    if sequence.flow_style:
        piece = in_line(edit.value)
        if not items:
            at = start_of(sequence) + 1
        elif position >= len(items):
            at, piece = end_of(text, items[-1]), f", {piece}"
        else:
            at, piece = start_of(items[position]), f"{piece}, "
        return text[:at] + piece + text[at:]
    column, newline = int(sequence.start_mark.column), newline_of(text)
    lines = [" " * column + "- " + in_line(edit.value)] if is_flow(items[-1]) else item_lines(edit.value, column)
    if position == 0:
        at = start_of(sequence)
        return text[:at] + newline.join(lines).lstrip(" ") + newline + " " * column + text[at:]
    at = line_end(text, end_of(text, items[min(position, len(items)) - 1]))
    return text[:at] + newline + newline.join(lines) + text[at:]


def _remove(text: str, path: Path, keep: Path) -> str:
    parent, step = node_at(root_of(text), path[:-1]), path[-1]
    if isinstance(parent, yaml.SequenceNode) and isinstance(step, int):
        if len(parent.value) == 1:
            return _set(text, SetValue(path[:-1], ()))
        return _remove_item(text, parent, step)
    if not isinstance(parent, yaml.MappingNode):
        raise UneditableText
    if len(parent.value) == 1 and len(path) > 1:
        above = path[:-1]
        return _set(text, SetValue(above, {})) if above == keep else _remove(text, above, keep)
    position = key_position(parent, step)
    key, value = parent.value[position]
    if parent.flow_style:
        return _remove_in_flow(text, [(start_of(each), end_of(text, inner)) for each, inner in parent.value], position)
    start, end = start_of(key), end_of(text, value)
    if not text[:start].rpartition("\n")[2].strip():
        rest = without(text, start, end)
        break_ = newline_of(text)
        return rest.removesuffix(break_) if len(path) == 1 and rest.endswith(break_ * 2) else rest
    following = parent.value[position + 1][0]
    return text[:start] + text[start_of(following) :]


def _remove_item(text: str, sequence: yaml.SequenceNode, position: int) -> str:
    items = sequence.value
    if sequence.flow_style:
        return _remove_in_flow(text, [(start_of(each), end_of(text, each)) for each in items], position)
    return without(text, dash_of(text, sequence, position), end_of(text, items[position]))


def _remove_in_flow(text: str, spans: Sequence[tuple[int, int]], position: int) -> str:
    start, end = spans[position]
    if position:
        return text[: spans[position - 1][1]] + text[end:]
    return text[:start] + text[spans[1][0] if len(spans) > 1 else end :]


Tree: TypeAlias = "str | tuple[str, str] | list[Tree] | dict[str, Tree]"
"""What a text says, without places: a single value with its type (as text alone when any type will do)."""


def _is_as_asked(before: str, after: str, edit: Edit) -> bool:
    try:
        expected, actual = _tree(parse_yaml(before)), _tree(parse_yaml(after))
    except UnreadableDocument:
        return False
    return _is_same(_edited_tree(expected, edit), actual)


def _tree(node: Node) -> Tree:
    if isinstance(node, Scalar):
        return node.text, node.kind
    if isinstance(node, Entries):
        return {key.text if isinstance(key, Scalar) else "": _tree(value) for key, value in node.pairs}
    return [_tree(each) for each in node.items]


def _tree_of(value: Value) -> Tree:
    match value:
        case bool():
            return "true" if value else "false", "bool"
        case str():
            return value, "str"
        case Literal():
            return value.text
        case tuple():
            return [_tree_of(each) for each in value]
        case _:
            return {key: _tree_of(each) for key, each in value.items()}


def _edited_tree(tree: Tree, edit: Edit) -> Tree:
    """Return what a text should say after an edit."""
    *above, last = edit.path
    inner = tree
    trail: list[tuple[dict[str, Tree], str, int]] = []
    for depth, step in enumerate(above, 1):
        if isinstance(inner, dict):
            trail.append((inner, str(step), depth))
            is_new_list = isinstance(edit, InsertItem) and depth == len(above)
            inner = inner.setdefault(str(step), [] if is_new_list else {})
        elif isinstance(inner, list) and isinstance(step, int):
            inner = inner[step]
    if isinstance(inner, list) and isinstance(last, int):
        _change_list(inner, last, edit)
    elif isinstance(inner, dict) and not isinstance(edit, Remove):
        inner[str(last)] = _tree_of(edit.value)
    elif isinstance(inner, dict) and isinstance(edit, Remove):
        inner.pop(str(last))
        while trail and not trail[-1][0][trail[-1][1]] and edit.path[: trail[-1][2]] != edit.keep:
            holder, key, _ = trail.pop()
            del holder[key]
    return tree


def _change_list(items: list[Tree], position: int, edit: Edit) -> None:
    if isinstance(edit, Remove):
        del items[position]
    elif isinstance(edit, InsertItem):
        items.insert(position, _tree_of(edit.value))
    else:
        items[position] = _tree_of(edit.value)


def _is_same(expected: Tree, actual: Tree) -> bool:
    match expected:
        case str():
            return isinstance(actual, tuple) and actual[0] == expected
        case dict():
            if not isinstance(actual, dict) or expected.keys() != actual.keys():
                return False
            return all(_is_same(each, actual[key]) for key, each in expected.items())
        case list():
            if not isinstance(actual, list) or len(expected) != len(actual):
                return False
            return all(map(_is_same, expected, actual))
        case _:
            return expected == actual
