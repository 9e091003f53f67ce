"""Dates, times, money and numbers as the reader writes them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers

from mail.catalogue import babel_locale

NBSP = "\u00a0"


@dataclass(frozen=True, slots=True)
class Formats:
    """How one reader's locale and zone write values."""

    locale: Locale
    zone: ZoneInfo
    tag: str

    def day(self, value: date | datetime) -> str:
        """Write a date; an instant becomes the reader's local date."""
        if isinstance(value, datetime):
            value = value.astimezone(self.zone).date()
        return _day(value, self.tag)

    def clock(self, value: datetime) -> str:
        """Write a local time of day with its zone."""
        return _clock(value, self.tag, self.zone)

    def zone_name(self, value: datetime) -> str:
        """Write the zone: its short name where the language has one, otherwise `UTC+3`."""
        return _zone_name(value, self.tag, self.zone)

    def short_day(self, value: date) -> str:
        """Write day and month briefly."""
        return _ordinal(str(dates.format_skeleton("MMMd", value, locale=self.locale)), self.tag)

    def short_last_day(self, end: date) -> str:
        """Write the last day of a period whose end is exclusive."""
        return self.short_day(end - timedelta(days=1))

    def month(self, value: date) -> str:
        """Write month and year."""
        return str(dates.format_skeleton("yMMMM", value, locale=self.locale))

    def number(self, value: Decimal | int) -> str:
        """Write a number with the locale's grouping."""
        return _number(value, self.tag)

    def signed(self, value: int) -> str:
        """Write a change with its sign (`+5`, `−3`, `±0`)."""
        sign = "+" if value > 0 else "\u2212" if value < 0 else "\u00b1"
        return sign + self.number(abs(value))

    def percent(self, value: Decimal | int) -> str:
        """Write a percentage given in per cent (20 is 20 %)."""
        share = Decimal(value) / 100
        text = numbers.format_percent(share, locale=self.locale, decimal_quantization=False)
        return str(text).replace("\u202f", NBSP)

    def money(self, amount: Decimal, currency: str) -> str:
        """Write an amount with its currency."""
        return _money(amount, currency, self.tag)


@lru_cache(maxsize=2048)
def formats(locale: str, timezone: str) -> Formats:
    """Return the formats of a locale tag and an IANA zone."""
    known = babel_locale(locale)
    return Formats(known, ZoneInfo(timezone), str(known))


@lru_cache(maxsize=4096)
def _day(value: date, locale: str) -> str:
    return _ordinal(str(dates.format_date(value, "long", locale)), locale)


def _ordinal(day: str, locale: str) -> str:
    """French writes the first of a month as `1er`, which CLDR leaves out."""
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
    if symbol[-1:].isalpha() and text.startswith(symbol):
        text = text.replace(symbol, symbol + NBSP, 1)
    return text.replace("\u202f", NBSP)


def _offset(gmt: str) -> str:
    sign, hours, minutes = gmt[:1], gmt[1:3], gmt[3:5]
    tail = "" if minutes in ("", "00") else f":{minutes}"
    return f"UTC{'+' if sign == '+' else chr(0x2212)}{int(hours)}{tail}"
