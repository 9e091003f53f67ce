"""A mapping: a YAML file that says which column of a payment file holds what. No database."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from kontor.kernel.errors import FieldError, Invalid
from kontor.kernel.states import PaymentKind
from kontor.payments.import_layouts import Layout, Movement, Role, fold
from kontor.payments.import_presets import OWN
from kontor.payments.import_services import preset
from kontor.payments.import_values import NumberStyle
from kontor.programme.reader import FieldReader, SectionReader
from kontor.programme.yaml_nodes import ItemList, ProgrammeError, UnreadableDocument, parse_yaml

COLUMNS: Final = (Role.DAY, Role.AMOUNT, Role.REFERENCE, Role.KIND, Role.CURRENCY, Role.RESELLER)
REQUIRED: Final = frozenset({Role.DAY, Role.AMOUNT})
DELIMITERS: Final = {"tab": "\t", "\\t": "\t"}
MOST_LINES: Final = 1_000
LETTERS: Final = {
    "yyyy": r"(?P<year>\d{4})", "y": r"(?P<year>\d{4})", "yy": r"(?P<year>\d{2})",
    "M": r"(?P<month>\d{1,2})", "MM": r"(?P<month>\d{2})", "MMM": r"(?P<month>[A-Za-z]{3})",
    "MMMM": r"(?P<month>[A-Za-z]{3,9})", "d": r"(?P<day>\d{1,2})", "dd": r"(?P<day>\d{2})",
    "H": r"(?P<hour>\d{1,2})", "HH": r"(?P<hour>\d{2})", "h": r"(?P<hour>\d{1,2})", "hh": r"(?P<hour>\d{2})",
    "m": r"(?P<minute>\d{1,2})", "mm": r"(?P<minute>\d{2})", "s": r"(?P<second>\d{1,2})", "ss": r"(?P<second>\d{2})",
    "S": r"(?P<part>\d{1,6})", "SSS": r"(?P<part>\d{3})", "SSSSSS": r"(?P<part>\d{6})", "a": r"(?P<half>[AaPp][Mm])",
    "Z": r"(?P<offset>[+-]\d{4})", "XXX": r"(?P<offset>Z|[+-]\d{2}:\d{2})", "X": r"(?P<offset>Z|[+-]\d{2}(?:\d{2})?)",
    "xxx": r"(?P<offset>[+-]\d{2}:\d{2})", "ZZZZZ": r"(?P<offset>Z|[+-]\d{2}:\d{2})",
}  # fmt: skip
"""Letters of CLDR date patterns (UTS 35) that a payment's day may have."""
TOKENS: Final = re.compile(r"'(?P<quoted>(?:[^']|'')*)'|(?P<letters>([A-Za-z])\3*)|(?P<other>[^A-Za-z'])")


@dataclass(frozen=True, slots=True)
class Mapping:
    """What is known about a file before it is read.

    `layouts`: those that come into question, none: all. `lines`: how many lines stand before its columns' names.
    """

    layouts: tuple[Layout, ...] = ()
    delimiter: str | None = None
    encoding: str | None = None
    number: NumberStyle | None = None
    date: re.Pattern[str] | None = None
    lines: int = 0
    source: str = ""

    def adjusted(self, layout: Layout) -> Layout:
        """Return a layout with the numbers and days of this mapping."""
        return replace(layout, number=self.number or layout.number, date=self.date or layout.date)


def mapping_of(text: str) -> Mapping:
    """Return the mapping of a file's path, or of a preset's name. Raises Invalid, for a file with each error's line."""
    path = Path(text)
    if not path.is_file():
        return Mapping(preset(text), source=text)
    try:
        return parse_mapping(path.read_text(encoding="utf-8-sig"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("invalid", f"{text} cannot be read: {error}.") from None


def parse_mapping(text: str, name: str) -> Mapping:
    """Parse a mapping. Raises Invalid with every error at its line."""
    try:
        root = parse_yaml(text)
    except UnreadableDocument as error:
        raise Invalid("invalid", f"{name}: {error}") from None
    errors: list[ProgrammeError] = []
    mapping = read(SectionReader(FieldReader(root, "", errors)), name, text)
    if errors:
        listed = sorted(errors, key=lambda error: (error.line, error.column))
        details = [FieldError(error.path, str(error)) for error in listed]
        raise Invalid("invalid", "\n".join(f"{name}: {error}" for error in listed), errors=details)
    return mapping


def read(root: SectionReader, name: str, source: str) -> Mapping:
    """Read the keys of a mapping."""
    lines, skipped = skips(root.optional("skip"))
    number = NumberStyle(
        one_of(root.optional("decimal"), ".,"), one_of(root.optional("thousands"), ".,' \N{NO-BREAK SPACE}")
    )
    base = root.optional("preset")
    none: tuple[Layout, ...] = ()
    layouts = base.validated(preset_named, none) if base else (columns(root, name),)
    movements = kinds(root.optional("kinds")) + skipped
    if movements:
        layouts = tuple(replace(each, movements=(*movements, *each.movements), typed=True) for each in layouts)
    day = root.optional("date")
    mapping = Mapping(
        layouts,
        delimiter(root.optional("delimiter")),
        encoding(root.optional("encoding")),
        number if number != NumberStyle() else None,
        day.validated(date_pattern, None) if day else None,
        lines,
        source,
    )
    root.reject_unknown()
    return mapping


def preset_named(name: str) -> tuple[Layout, ...]:
    """Return the layouts of a preset. Raises ValueError."""
    try:
        return preset(name)
    except Invalid as error:
        raise ValueError(error.message) from None


def columns(root: SectionReader, name: str) -> Layout:
    """Read `columns`: the name of the column of each role."""
    section = SectionReader(root.required("columns"))
    names: dict[Role, tuple[str, ...]] = {}
    for role in COLUMNS:
        field = section.required(role.value) if role in REQUIRED else section.optional(role.value)
        if field is not None:
            names[role] = (fold(field.word()),)
    section.reject_unknown()
    signature = frozenset(choices[0] for choices in names.values())
    words = OWN.movements if Role.KIND in names else ()
    shape = Layout(name=name, columns=names, signature=signature, signed=False, skips_zero=False, repeats=False)
    return replace(shape, movements=words, typed=bool(words))


def kinds(field: FieldReader | None) -> tuple[tuple[re.Pattern[str], Movement], ...]:
    """Read `kinds`: the kind that each word of the type column means."""
    entries = field.entries() if field else {}
    return tuple((exactly(word), Movement(value.choice(PaymentKind).value)) for word, value in entries.items())


def skips(field: FieldReader | None) -> tuple[int, tuple[tuple[re.Pattern[str], Movement], ...]]:
    """Read `skip`: the number of lines before the columns' names, or the types whose rows are no payments."""
    if field is None:
        return 0, ()
    if isinstance(field.node, ItemList):
        return 0, tuple((exactly(item.word()), Movement.TRANSFER) for item in field.items())
    return field.integer(0, MOST_LINES), ()


def exactly(word: str) -> re.Pattern[str]:
    """Return a pattern for a type that is this word."""
    return re.compile(f"^{re.escape(fold(word))}$")


def one_of(field: FieldReader | None, letters: str) -> str | None:
    """Read a separator, one of `letters`."""
    if field is None:
        return None
    text = getattr(field.node, "text", "")
    if len(text) != 1 or text not in letters:
        field.add_error(f"one of {' '.join(map(repr, letters))} is required")
        return None
    return text


def delimiter(field: FieldReader | None) -> str | None:
    """Read what separates the cells of a row."""
    if field is None:
        return None
    text = getattr(field.node, "text", "")
    text = DELIMITERS.get(text, text)
    if len(text) != 1 or text.isalnum() or text in "\"'\r\n":
        field.add_error("a single character is required, such as ; or tab")
        return None
    return text


def encoding(field: FieldReader | None) -> str | None:
    """Read the name of an encoding."""
    if field is None:
        return None
    try:
        return codecs.lookup(field.word()).name
    except LookupError:
        field.add_error(f"unknown encoding {field.word()!r}")
        return None


def date_pattern(text: str) -> re.Pattern[str]:
    """Return the pattern of a day written by a CLDR pattern such as `d.M.yyyy HH:mm`. Raises ValueError."""
    parts, position = [], 0
    for token in TOKENS.finditer(text):
        if token.start() != position:
            break
        position = token.end()
        if token["letters"] is not None:
            if token["letters"] not in LETTERS:
                raise ValueError(
                    f"{token['letters']!r} is not a letter of a day or a time; known: {', '.join(LETTERS)}"
                )
            parts.append(LETTERS[token["letters"]])
        else:
            parts.append(re.escape((token["quoted"] or "").replace("''", "'") or token["other"] or "'"))
    try:
        pattern = re.compile("".join(parts), re.ASCII)
    except re.error:
        raise ValueError(f"{text!r} has a part twice") from None
    if position != len(text) or not {"year", "month", "day"} <= set(pattern.groupindex):
        raise ValueError(f"{text!r} is not a day's pattern: year, month and day are required, such as d.M.yyyy HH:mm")
    return pattern
