"""Translations, read from the `.po` files at start, so that a fresh clone requires no build step."""

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
    """Translations of one language."""

    language: str
    words: NullTranslations


def language_of(locale: str) -> str:
    """Return the supported language of a locale tag such as `de-AT`; English if it is not supported."""
    language = locale.replace("_", "-").partition("-")[0].lower()
    return language if language in LANGUAGES else SOURCE


@lru_cache(maxsize=256)
def babel_locale(tag: str) -> Locale:
    """Return the Babel locale for a tag, limited to the supported languages."""
    if language_of(tag) == SOURCE and not tag.lower().startswith(SOURCE):
        return Locale.parse(SOURCE)
    try:
        return Locale.parse(tag.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        return Locale.parse(language_of(tag))


def load(language: str, domain: str = "mail", root: Path = LOCALES) -> Catalogue:
    """Load the catalogue of one language. Raises FileNotFoundError if it is missing."""
    if language == SOURCE:
        return Catalogue(language, NullTranslations())
    with (root / language / "LC_MESSAGES" / f"{domain}.po").open("rb") as source:
        catalogue = read_po(source, locale=language, domain=domain, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Catalogue(language, GNUTranslations(compiled))


def load_all(domain: str = "mail", root: Path = LOCALES) -> Mapping[str, Catalogue]:
    """Load the catalogues of a domain in every language."""
    return {language: load(language, domain, root) for language in LANGUAGES}
