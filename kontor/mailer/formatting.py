"""Dates, times, money, numbers and translations as the reader writes them; text from people, cleaned."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError, dates, numbers
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from markupsafe import Markup, escape

from kontor.kernel.failure_causes import failure_cause, public_error

NBSP = "\u00a0"


@dataclass(frozen=True, slots=True)
class Formats:
    """Formats values in one locale and time zone."""

    locale: Locale
    zone: ZoneInfo
    tag: str

    def addressee(self, name: str) -> str:
        """Format the line above the greeting that names the addressee; empty in languages without one."""
        return f"{name} ご担当者様" if name and self.tag.startswith("ja") else ""

    def day(self, value: date | datetime) -> str:
        """Format a date; an instant becomes the reader's local date."""
        if isinstance(value, datetime):
            value = value.astimezone(self.zone).date()
        return _day(value, self.tag)

    def clock(self, value: datetime) -> str:
        """Format the local time of day."""
        return _clock(value, self.tag, self.zone)

    def zone_name(self, value: datetime) -> str:
        """Format the zone: its short name where the language has one, otherwise `UTC+3`."""
        return _zone_name(value, self.tag, self.zone)

    def short_day(self, value: date) -> str:
        """Format day and month briefly."""
        return _ordinal(str(dates.format_skeleton("MMMd", value, locale=self.locale)), self.tag)

    def short_last_day(self, end: date) -> str:
        """Format the last day of a period with an exclusive end."""
        return self.short_day(end - timedelta(days=1))

    def last_day(self, end: date) -> str:
        """Format the last day of a period with an exclusive end, with its year."""
        return self.day(end - timedelta(days=1))

    def month(self, value: date) -> str:
        """Format month and year."""
        return str(dates.format_skeleton("yMMMM", value, locale=self.locale))

    def number(self, value: Decimal | int) -> str:
        """Format a number with the locale's grouping."""
        return _number(value, self.tag)

    def signed(self, value: int) -> str:
        """Format a change with its sign (`+5`, `−3`, `±0`)."""
        sign = "+" if value > 0 else "\u2212" if value < 0 else "\u00b1"
        return sign + self.number(abs(value))

    def percent(self, value: Decimal | int) -> str:
        """Format a percentage; 20 is 20 %."""
        share = Decimal(value) / 100
        text = numbers.format_percent(share, locale=self.locale, decimal_quantization=False)
        return str(text).replace("\u202f", NBSP)

    def money(self, amount: Decimal, currency: str) -> str:
        """Format an amount with its currency."""
        return _money(amount, currency, self.tag)


@lru_cache(maxsize=2048)
def formats_for(locale: str, timezone: str) -> Formats:
    """Return the formats of a locale tag and an IANA zone."""
    parsed = babel_locale(locale)
    return Formats(parsed, ZoneInfo(timezone), str(parsed))


@lru_cache(maxsize=4096)
def _day(value: date, locale: str) -> str:
    return _ordinal(str(dates.format_date(value, "long", locale)), locale)


def _ordinal(day: str, locale: str) -> str:
    """Write the first of a month as `1er` in French; CLDR does not."""
    return "1er" + day[1:] if locale.startswith("fr") and day.startswith("1 ") else day


@lru_cache(maxsize=4096)
def _clock(value: datetime, locale: str, zone: ZoneInfo) -> str:
    time = dates.format_time(value.astimezone(zone), "short", zone, locale)
    return time.replace("\u202f", NBSP)


@lru_cache(maxsize=4096)
def _zone_name(value: datetime, locale: str, zone: ZoneInfo) -> str:
    local = value.astimezone(zone)
    offset = dates.get_timezone_gmt(local, "short", locale)
    name = dates.get_timezone_name(local, "short", locale=locale)
    return _offset(offset) if name == offset or len(name) > 5 else name


@lru_cache(maxsize=4096)
def _number(value: Decimal | int, locale: str) -> str:
    return str(numbers.format_decimal(value, locale=locale))


@lru_cache(maxsize=4096)
def _money(amount: Decimal, currency: str, locale: str) -> str:
    text = str(numbers.format_currency(amount, currency, locale=locale))
    symbol = numbers.get_currency_symbol(currency, locale=locale)
    if symbol[-1:].isalpha() and text.lstrip("-\u2212").startswith(symbol):
        text = text.replace(symbol, symbol + NBSP, 1)
    return text.replace("\u202f", NBSP)


def _offset(gmt: str) -> str:
    sign, hours, minutes = gmt[:1], gmt[1:3], gmt[3:5]
    tail = "" if minutes in ("", "00") else f":{minutes}"
    return f"UTC{'+' if sign == '+' else chr(0x2212)}{int(hours)}{tail}"


_TERM_PART = re.compile(r"(\d+)([YMWD])")


def breaks(text: str) -> Markup:
    """Escape text and keep its line breaks."""
    return Markup("<br>\n").join(escape(line) for line in text.split("\n"))


def term(text: str) -> date | list[tuple[int, str]]:
    """Return the end date of a term, or its parts as (number, unit); the unit is `Y`, `M`, `W` or `D`."""
    if not text.startswith("P"):
        return date.fromisoformat(text)
    return [(int(number), unit) for number, unit in _TERM_PART.findall(text)]


FILTERS: Mapping[str, Callable[..., object]] = {
    "breaks": breaks,
    "cause": failure_cause,
    "public_error": public_error,
    "term": term,
}

LANGUAGES = ("en", "de", "fr", "ru", "ja")
SOURCE = "en"
LOCALES = Path(__file__).resolve().parent.parent.parent / "locales"


@dataclass(frozen=True, slots=True)
class TranslationCatalogue:
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


def load_catalogue(language: str, domain: str = "mail", root: Path = LOCALES) -> TranslationCatalogue:
    """Load the catalogue of one language. Raises FileNotFoundError if it is missing."""
    if language == SOURCE:
        return TranslationCatalogue(language, NullTranslations())
    return TranslationCatalogue(language, GNUTranslations(BytesIO(_compiled(language, domain, root))))


@lru_cache(maxsize=64)
def _compiled(language: str, domain: str, root: Path) -> bytes:
    """Return a catalogue in gettext's binary form. Reading the text takes 0.1 s, so each process does it once."""
    with (root / language / "LC_MESSAGES" / f"{domain}.po").open("rb") as source:
        catalogue = read_po(source, locale=language, domain=domain, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    return compiled.getvalue()


def load_catalogues(domain: str = "mail", root: Path = LOCALES) -> Mapping[str, TranslationCatalogue]:
    """Load the catalogues of a domain in every language."""
    return {language: load_catalogue(language, domain, root) for language in LANGUAGES}


_BIDI = "\u202a-\u202e\u2066-\u2069"
_INVISIBLE = "\ufeff\u180e\ufff9-\ufffb\U000e0000-\U000e007f"
_CONTROL = "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"
_HARMFUL = re.compile(f"[{_BIDI}{_INVISIBLE}{_CONTROL}]")
_BREAK = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACES = re.compile(r"\s+")
_BREAKABLE_SPACES = re.compile(r"[^\S\u00a0\u202f]+")
_MANY_BREAKS = re.compile(r"\n{4,}")


def harmless(text: str) -> str:
    """Drop controls, bidi overrides and invisible characters; keep everything else."""
    return _HARMFUL.sub("", text)


def one_line(text: str) -> str:
    """Drop controls and bidi overrides; collapse each run of white space into one space."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    text = _SURROGATE.sub("\ufffd", _BREAK.sub(" ", text))
    return _SPACES.sub(" ", _HARMFUL.sub("", text)).strip()


def typeset_line(text: str) -> str:
    """Do the same as `one_line`, but keep no-break spaces: for our own rendered text."""
    text = _SURROGATE.sub("\ufffd", _BREAK.sub(" ", text))
    return _BREAKABLE_SPACES.sub(" ", _HARMFUL.sub("", text)).strip()


def many_lines(text: str) -> str:
    """Keep line breaks (as LF) and tabs; drop other controls and bidi overrides."""
    text = _SURROGATE.sub("\ufffd", _BREAK.sub("\n", text))
    return _MANY_BREAKS.sub("\n\n\n", _HARMFUL.sub("", text)).strip("\n")
