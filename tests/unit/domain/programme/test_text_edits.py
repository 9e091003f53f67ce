"""Edits of a programme file: what they change, and that every other line stays byte for byte."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kontor.programme import file_fields
from kontor.programme.file_fields import FileField, FileFieldKind
from kontor.programme.file_sections import SECTIONS, FileSection
from kontor.programme.model import Programme
from kontor.programme.parse import parse
from kontor.programme.text_edits import InsertItem, Remove, SetValue, UneditableText, edited
from kontor.programme.yaml_nodes import Node, parse_yaml
from kontor.programme.yaml_spans import Path, end_of, node_at, root_of, start_of
from kontor.programme.yaml_values import Literal, Value
from tests.support.fees import HOUSE
from tests.support.wiring import EXAMPLES

FILES: Final[Mapping[str, str]] = {
    **{path.stem: path.read_text(encoding="utf-8") for path in sorted(EXAMPLES.glob("*.yaml"))},
    "house": HOUSE,
}
TEXTS = st.one_of(
    st.text(min_size=1, max_size=30),
    st.sampled_from(["yes", "12", "a: b", "a #b", "- x", "[x]", "{", "'", '"', "a, b", "null", "~", "\\", "=", "<<"]),
)  # fmt: skip


def paths(node: yaml.Node, above: Path = ()) -> Iterator[Path]:
    """The path of every single value of a file."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from paths(value, (*above, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield from paths(value, (*above, position))
    else:
        yield above


SCALARS: Final = [(name, path) for name, text in FILES.items() for path in paths(root_of(text))]


@cache
def programme(text: str) -> Programme:
    result = parse(text)
    assert isinstance(result, Programme), result
    return result


def written(text: str) -> dict[tuple[str, str], dict[str, str]]:
    """What every entry of every section says, by section and entry."""
    root, read = parse_yaml(text), programme(text)
    return {
        (section.slug, name): file_fields.written(node, section.fields(read))
        for section in SECTIONS
        for name, node in section.entries(root).items()
    }


ENTRIES: Final = [(file, slug, entry) for file, text in FILES.items() for slug, entry in written(text)]
SECTION: Final[Mapping[str, FileSection]] = {section.slug: section for section in SECTIONS}


@given(st.sampled_from(SCALARS), TEXTS)
def test_every_other_line_stays_when_a_value_is_set(where: tuple[str, Path], value: str) -> None:
    text, path = FILES[where[0]], where[1]
    node = node_at(root_of(text), path)
    assert node is not None
    start, end = start_of(node), end_of(text, node)
    after = edited(text, [SetValue(path, value)])
    assert after.startswith(text[:start])
    assert after.endswith(text[end:])
    changed = node_at(root_of(after), path)
    assert isinstance(changed, yaml.ScalarNode)
    assert (changed.value, changed.tag) == (value, "tag:yaml.org,2002:str")
    assert after.count("\n") == text.count("\n")


@given(st.sampled_from(SCALARS), st.sampled_from(["7", "19.00", "2026-01-01", "P1M", "sms-100"]))
def test_quotes_stay_as_they_were_when_a_value_is_set(where: tuple[str, Path], value: str) -> None:
    text, path = FILES[where[0]], where[1]
    before = node_at(root_of(text), path)
    after = node_at(root_of(edited(text, [SetValue(path, Literal(value, quoted=True))])), path)
    assert isinstance(before, yaml.ScalarNode)
    assert isinstance(after, yaml.ScalarNode)
    assert (after.style or "") == (before.style or "")


EXAMPLES_BY_KIND: Final[Mapping[FileFieldKind, st.SearchStrategy[str]]] = {
    FileFieldKind.TEXT: st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=20),
    FileFieldKind.CODE: st.from_regex(r"[a-z]{1,5}(\.[a-z]{1,5})?", fullmatch=True),
    FileFieldKind.MONEY: st.integers(0, 10**6).map(lambda cents: f"{cents / 100:.2f}"),
    FileFieldKind.NUMBER: st.integers(0, 99).map(str),
    FileFieldKind.DAY: st.dates().map(str),
    FileFieldKind.FLAG: st.sampled_from(["", "true"]),
    FileFieldKind.JSON: st.dictionaries(
        st.text(min_size=1, max_size=5), st.integers() | st.text(max_size=5) | st.none(), max_size=3
    ).map(lambda schema: json.dumps(schema, indent=2, ensure_ascii=False)),
}


@given(st.sampled_from(ENTRIES), st.data())
def test_a_field_of_an_entry_alone_changes_whatever_is_typed(where: tuple[str, str, str], data: st.DataObject) -> None:
    file, slug, entry = where
    text, section = FILES[file], SECTION[slug]
    fields = section.fields(programme(text))
    root = parse_yaml(text)
    before = file_fields.written(section.entries(root)[entry], fields)
    each = data.draw(st.sampled_from(fields))
    typed = {**before, each.name: data.draw(value_of(each))}
    path, _ = section.path_of(root, entry)
    after = edited(text, file_fields.changes(path, fields, before, typed, present=True))
    node = entry_node(section, after, path)
    assert file_fields.written(node, fields) == {**before, each.name: expected(each, before, typed)}
    assert others(text, path) == others(after, path)
    assert kept_lines(text, after, path)


def value_of(each: FileField) -> st.SearchStrategy[str]:
    """Values of a field: of its kind, or one of its options, or nothing."""
    if each.kind in (FileFieldKind.CODES, FileFieldKind.CHECKS):
        offered = [option for option, _ in each.options] or ["one", "two", "three"]
        comma = "," if each.kind is FileFieldKind.CHECKS else ", "
        return st.lists(st.sampled_from(offered), unique=True).map(comma.join)
    if each.kind is FileFieldKind.CHOICE:
        return st.sampled_from([option for option, _ in each.options])
    if each.kind is FileFieldKind.TEXT and each.name == "name":
        return EXAMPLES_BY_KIND[each.kind]
    return st.just("") | EXAMPLES_BY_KIND[each.kind]


def expected(each: FileField, before: Mapping[str, str], typed: Mapping[str, str]) -> str:
    """What a list says after: those that stay in their order, then the new ones."""
    old, new = before[each.name], typed[each.name]
    if each.kind not in (FileFieldKind.CODES, FileFieldKind.CHECKS) or not (old and new):
        return new
    first, then = file_fields.codes_of(old), file_fields.codes_of(new)
    merged = [*(code for code in first if code in then), *(code for code in then if code not in first)]
    return ("," if each.kind is FileFieldKind.CHECKS else ", ").join(merged)


def entry_node(section: FileSection, text: str, path: Path) -> Node:
    """The entry at a path; a tier by its place, as its name may be what changed."""
    entries = section.entries(parse_yaml(text))
    last = path[-1]
    return list(entries.values())[last] if isinstance(last, int) else entries[last]


def others(text: str, path: Path) -> object:
    """What a file says without one entry, values with their types."""
    tree = yaml.load(text, yaml.BaseLoader)
    holder = tree
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = None
    return tree


def kept_lines(before: str, after: str, path: Path) -> bool:
    """Whether the lines around an entry are the same."""
    node = node_at(root_of(before), path)
    assert node is not None
    first, last = before[: start_of(node)].rpartition("\n")[0], before[end_of(before, node) :].partition("\n")[2]
    return after.startswith(first) and after.endswith(last)


@pytest.mark.parametrize(("file", "slug", "entry"), ENTRIES)
def test_only_its_own_lines_go_when_an_entry_is_removed(file: str, slug: str, entry: str) -> None:
    text = FILES[file]
    path, _ = SECTION[slug].path_of(parse_yaml(text), entry)
    after = edited(text, [Remove(path)])
    rest = iter(text.splitlines())
    alone = len(SECTION[slug].entries(parse_yaml(text))) == 1
    assert all(line in rest for line in after.splitlines() if not (alone and slug == "tiers"))
    assert entry not in SECTION[slug].entries(parse_yaml(after))


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("slug", [slug for slug in SECTION if slug != "tiers"])
def test_an_entry_is_added_with_new_lines_alone(file: str, slug: str) -> None:
    text, section = FILES[file], SECTION[slug]
    new: dict[str, Value] = {"name": "Added: it", "fee": Literal("1.00", quoted=True), "names": {"de": "Neu"}}
    after = edited(text, [SetValue((*section.path, "added"), new)])
    rest = iter(after.splitlines())
    assert all(line in rest for line in text.splitlines())
    entry = section.entries(parse_yaml(after))["added"]
    assert file_fields.written(entry, [FileField("fee", ""), FileField("names.de", "")]) == {
        "fee": "1.00", "names.de": "Neu",
    }  # fmt: skip


def test_a_tier_is_added_in_its_place_as_the_others_are_written() -> None:
    text = FILES["hosting"]
    tier: dict[str, Value] = {"name": "Half", "from": Literal("1500"), "percent": {"vps": Literal("4")}}
    after = edited(text, [InsertItem(("discount", "tiers", 1), tier)])
    added = [line for line in after.splitlines() if line not in text.splitlines()]
    assert added == ["    - {name: Half, from: 1500, percent: {vps: 4}}"]
    names = list(SECTION["tiers"].entries(parse_yaml(after)))
    assert names[:3] == ["Starter", "Half", "Partner #1"]


BLOCK = """a:
- name: one   # kept
  more: 1
  # about the next

- more: 2
  name: two
b: |
  first

  second

c:
d: {x: 1,   y: [p,  q]} # end
"""


@pytest.mark.parametrize(
    ("edit", "old", "new"),
    [
        (SetValue(("a", 0, "name"), "it's: one"), "name: one ", 'name: "it\'s: one" '),
        (Remove(("a", 0, "name")), "- name: one   # kept\n  more: 1", "- more: 1"),
        (Remove(("a", 1)), "- more: 2\n  name: two\n", ""),
        (Remove(("a", 0)), "- name: one   # kept\n  more: 1\n", ""),
        (InsertItem(("a", 0), {"name": "zero"}), "a:\n", "a:\n- name: zero\n"),
        (
            InsertItem(("a", 2), {"n": {"m": "3"}, "o": True}),
            "  name: two\n",
            '  name: two\n- n:\n    m: "3"\n  o: true\n',
        ),
        (SetValue(("a", 0, "first"), "x", ("first", "name")), "- name", "- first: x\n  name"),
        (SetValue(("a", 0, "next"), "x", ("name", "next", "more")), "# kept\n", "# kept\n  next: x\n"),
        (SetValue(("b",), "short"), "b: |\n  first\n\n  second\n", "b: short\n"),
        (SetValue(("c",), "filled"), "c:", "c: filled"),
        (SetValue(("c",), {"k": "v"}), "c:\n", "c:\n  k: v\n"),
        (SetValue(("d", "z"), "3"), "q]}", 'q], z: "3"}'),
        (SetValue(("d", "w"), Literal("0"), ("w", "x")), "{x", "{w: 0, x"),
        (Remove(("d", "x")), "x: 1,   y", "y"),
        (Remove(("d", "y", 1)), "[p,  q]", "[p]"),
        (Remove(("d", "y", 0)), "[p,  q]", "[q]"),
        (InsertItem(("d", "y", 1), "o"), "[p,  q]", "[p,  o, q]"),
        (Remove(("d",)), "d: {x: 1,   y: [p,  q]} # end\n", ""),
        (SetValue(("e", "f"), "g"), "# end\n", "# end\n\ne:\n  f: g\n"),
    ],
)
@pytest.mark.parametrize("form", ["as it is", "with CRLF", "with a mark", "without a last line break"])
def test_edits_in_every_style(edit: SetValue | InsertItem | Remove, old: str, new: str, form: str) -> None:
    before, after = BLOCK, BLOCK.replace(old, new, 1)
    if form == "with CRLF":
        before, after = before.replace("\n", "\r\n"), after.replace("\n", "\r\n")
    elif form == "with a mark":
        before, after = "\ufeff" + before, "\ufeff" + after
    elif form == "without a last line break":
        before, after = before.removesuffix("\n"), after.removesuffix("\n")
    assert BLOCK.count(old) >= 1
    assert edited(before, [edit]) == after


@pytest.mark.parametrize("file", FILES)
def test_a_file_in_json_is_edited_as_well(file: str) -> None:
    text = json.dumps(yaml.load(FILES[file], yaml.BaseLoader), ensure_ascii=False)
    after = edited(text, [SetValue(("promo_codes", "A B"), {"percent": Literal("5")}), SetValue(("name",), "x")])
    changed = json.loads(text)
    changed["name"], changed.setdefault("promo_codes", {})["A B"] = "x", {"percent": "5"}
    assert yaml.load(after, yaml.BaseLoader) == changed


def test_a_mapping_goes_with_its_last_key() -> None:
    text = "a:\n  b:\n    c: 1\nd: 2\n"
    assert edited(text, [Remove(("a", "b", "c"))]) == "d: 2\n"


@pytest.mark.parametrize(
    ("before", "after"), [("a:\n  b:\n    c: 1\n", "a:\n  b: {}\n"), ("a: {b: {c: 1}}\n", "a: {b: {}}\n")]
)
def test_an_entry_stays_without_its_last_key(before: str, after: str) -> None:
    assert edited(before, [Remove(("a", "b", "c"), keep=("a", "b"))]) == after


def test_a_text_that_cannot_be_cut_is_refused() -> None:
    with pytest.raises(UneditableText):
        edited("? a\n: 1\nb: 2\n", [Remove(("a",))])
    with pytest.raises(UneditableText):
        edited("b: 2\n? a\n: 1\n", [Remove(("a",))])
    with pytest.raises(UneditableText):
        edited("a: |+\n  text\n\n\n", [SetValue(("b",), "2")])
