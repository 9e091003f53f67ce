"""Translations, read from the `.po` files at start: a fresh clone needs no build step."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ("en", "de", "fr", "ru", "ja")
SOURCE = "en"
LOCALES = Path(__file__).resolve().parent.parent / "locales"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The words of one language."""

    language: str
    words: NullTranslations


def language_of(locale: str) -> str:
    """Return the supported language of a locale tag such as `de-AT`; English when there is none."""
    language = locale.replace("_", "-").partition("-")[0].lower()
    return language if language in LANGUAGES else SOURCE


@lru_cache(maxsize=256)
def babel_locale(tag: str) -> Locale:
    """Return the Babel locale that formats for a tag, in a language we have words in."""
    if language_of(tag) == SOURCE and not tag.lower().startswith(SOURCE):
        return Locale.parse(SOURCE)
    try:
        return Locale.parse(tag.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        return Locale.parse(language_of(tag))


def load(language: str, domain: str = "mail", root: Path = LOCALES) -> Catalogue:
    """Read one language's catalogue. Raises FileNotFoundError when it is missing."""
    if language == SOURCE:
        return Catalogue(language, NullTranslations())
    with (root / language / "LC_MESSAGES" / f"{domain}.po").open("rb") as source:
        catalogue = read_po(source, locale=language, domain=domain, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Catalogue(language, GNUTranslations(compiled))


def load_all(domain: str = "mail", root: Path = LOCALES) -> Mapping[str, Catalogue]:
    """Read every language's catalogue of a domain."""
    return {language: load(language, domain, root) for language in LANGUAGES}
