"""Each text of the pages is in the catalogue of each language, with the placeholders of the English one."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from devtools.source import ROOT

LANGUAGES = ("de", "fr", "ru", "ja")
JINJA = {"trim_blocks": "true", "lstrip_blocks": "true"}
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
Text = str | tuple[str, ...]


def texts() -> Iterator[Text]:
    """The texts of the templates, and those that the code marks with `N`; the console is in English alone."""
    for folder in ("portal", "pages"):
        for path in sorted((ROOT / "templates" / folder).glob("*.*")):
            if path.suffix in {".html", ".jinja"}:
                with path.open("rb") as template:
                    yield from (text for _, text, _, _ in extract("jinja2", template, options=JINJA))
    for path in sorted((ROOT / "kontor").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "N" and isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value)


def catalogue(language: str) -> dict[Text, Text]:
    """The translated texts of pages, and those of mails, which pages fall back on."""
    translated: dict[Text, Text] = {}
    for domain in ("mail", "pages"):
        path = Path(ROOT / "locales" / language / "LC_MESSAGES" / f"{domain}.po")
        with path.open("rb") as file:
            entries = [entry for entry in read_po(file) if entry.id and not entry.fuzzy]
        translated |= {key(entry.id): key(entry.string) for entry in entries if all(key(entry.string))}
    return translated


def key(text: object) -> Text:
    """A text, or its forms by number."""
    return tuple(map(str, text)) if isinstance(text, list | tuple) else str(text)


def placeholders(text: Text) -> set[str]:
    """What a text has filled in."""
    return set(PLACEHOLDER.findall(text if isinstance(text, str) else " ".join(text)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_the_pages_is_translated_with_its_placeholders(language: str) -> None:
    translated, written = catalogue(language), {key(text) for text in texts()}
    missing = [text for text in written if text not in translated]
    misfits = [text for text in written if text in translated and placeholders(text) != placeholders(translated[text])]

    assert missing == []
    assert misfits == []
    assert len(written) > 300
