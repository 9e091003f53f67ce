"""Amounts, days and times as banks write them: each has one meaning, or the row is in doubt. No database."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from kontor.kernel.money import minor_units
from kontor.kernel.zones import UnknownZone, day_start, localize, zone

REMEMBERED: Final = 1_000
YEARS: Final = range(1900, 9000)
WHOLE_DIGITS: Final = 15
CENTURY: Final = 2000
ISO_CODES: Final = {"RUR": "RUB", "810": "RUB", "643": "RUB", "840": "USD", "978": "EUR", "826": "GBP", "156": "CNY"}
SYMBOLS: Final = {"€": "EUR", "$": "USD", "£": "GBP", "₽": "RUB", "¥": "JPY", "￥": "JPY", "руб.": "RUB", "руб": "RUB"}
GROUPERS: Final = " \N{NO-BREAK SPACE}\N{THIN SPACE}\N{NARROW NO-BREAK SPACE}'\N{RIGHT SINGLE QUOTATION MARK}"
MINUS: Final = ("-", "\N{MINUS SIGN}")
DIGITS: Final = re.compile(rf"[0-9](?:[0-9.,{GROUPERS}]*[0-9])?")
SIGNED: Final = re.compile(
    rf"(?P<before>[^\W\d_]{{2,3}}\.?|[€$£₽¥￥])?\s*(?P<sign>[-+{MINUS[1]}])?\s*(?P<body>[0-9][0-9.,{GROUPERS}]*?)"
    rf"(?P<trailing>[-{MINUS[1]}])?\s*(?P<after>[^\W\d_]{{2,3}}\.?|[€$£₽¥￥])?"
)


class Unreadable(ValueError):
    """A cell cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class NumberStyle:
    """How a file writes numbers. None: seen from each number; `grouped`: `1.000` is a thousand."""

    decimal: str | None = None
    thousands: str | None = None
    grouped: bool = False


@dataclass(frozen=True, slots=True)
class Sum:
    """An amount without its sign, which `negative` is; `doubt`: why it may be another number."""

    amount: Decimal
    negative: bool
    currency: str | None = None
    doubt: str | None = None


def currency_code(text: str) -> str:
    """Return the ISO 4217 code of a currency as banks write it: `rub`, `RUR`, `810`, `€`."""
    code = text.strip().upper()
    return SYMBOLS.get(text.strip().casefold()) or SYMBOLS.get(code) or ISO_CODES.get(code, code)


def read_sum(text: str, currency: str, style: NumberStyle) -> Sum:
    """Read an amount with an optional sign and currency. Raises Unreadable."""
    match = SIGNED.fullmatch(text.strip())
    if match is None or (match["sign"] and match["trailing"]) or (match["before"] and match["after"]):
        raise Unreadable(f"the amount {text!r} is not a number")
    whole, fraction, doubtful = split(match["body"], text, style)
    if len(fraction) > minor_units(currency):
        raise Unreadable(f"the amount {text!r} has more than {minor_units(currency)} decimals")
    if len(whole) > WHOLE_DIGITS:
        raise Unreadable(f"the amount {text!r} has more than {WHOLE_DIGITS} digits")
    amount = Decimal(f"{whole}.{fraction or '0'}").quantize(Decimal(1).scaleb(-minor_units(currency)))
    doubt = f"the amount {text!r} may be {whole} or a fraction; accepted, it is {amount}" if doubtful else None
    mark = match["before"] or match["after"]
    negative = (match["sign"] or match["trailing"]) in MINUS
    return Sum(amount, negative, currency_code(mark) if mark else None, doubt)


def split(body: str, text: str, style: NumberStyle) -> tuple[str, str, bool]:
    """Return whole part, fraction, and whether the whole part may be a fraction instead. Raises Unreadable."""
    if not DIGITS.fullmatch(body):
        raise Unreadable(f"the amount {text!r} is not a number")
    point = style.decimal or decimal_of(body)
    whole, mark, fraction = body.rpartition(point) if point and point in body else (body, "", "")
    separators = {letter for letter in whole if not letter.isdigit()}
    if separators and not is_grouped(whole, separators, style):
        raise Unreadable(f"the amount {text!r} has separators in odd places")
    if mark and not fraction.isdigit():
        raise Unreadable(f"the amount {text!r} is not a number")
    lonely = not mark and len(separators) == 1 and len(re.findall(r"[.,]", whole)) == 1
    certain = style.grouped or (style.thousands is not None and separators == {style.thousands})
    return re.sub(r"\D", "", whole), fraction, lonely and not certain


def decimal_of(body: str) -> str | None:
    """Return the decimal separator of a number; None when it has none, or when it may as well separate thousands."""
    marks = [letter for letter in body if letter in ".,"]
    if not marks or body.count(marks[-1]) > 1:
        return None
    whole, _, fraction = body.rpartition(marks[-1])
    group_of_three = len(fraction) == 3 and whole.isdigit() and len(whole) <= 3 and not whole.startswith("0")
    return None if group_of_three else marks[-1]


def is_grouped(whole: str, separators: set[str], style: NumberStyle) -> bool:
    """Return whether a whole part has its thousands separated, by a single kind of separator."""
    separator = next(iter(separators))
    if len(separators) > 1 or separator == style.decimal or (style.thousands or separator) != separator:
        return False
    return re.fullmatch(rf"[0-9]{{1,3}}(?:{re.escape(separator)}[0-9]{{3}})+", whole) is not None


class DayOrder(Enum):
    """What comes first in `03/04/2026`."""

    DAY = "day"
    MONTH = "month"


TIME: Final = r"(?:(?:T|,?\s+)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<part>\d{1,6})\d*)?)?"
HALF: Final = r"(?:\s?(?P<half>[AaPp][Mm]))?"
OFFSET: Final = r"(?:\s?(?P<offset>Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?))?)?"
MOMENTS: Final = tuple(
    re.compile(day + TIME + HALF + OFFSET, re.ASCII)
    for day in (
        r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})",
        r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4}|\d{2})",
        r"(?P<first>\d{1,2})(?P<mark>[-/])(?P<next>\d{1,2})(?P=mark)(?P<year>\d{4})",
    )
)
CLOCK: Final = re.compile(r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?" + HALF, re.ASCII)
HOURS: Final = {
    "UTC": 0, "GMT": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3,
    "EST": -5, "EDT": -4, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8, "HST": -10,
    "JST": 9, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}  # fmt: skip
"""Offsets of abbreviations with a single meaning; `CST`, `IST` and `BST` have several."""


@dataclass(frozen=True, slots=True)
class Wall:
    """A day, a time of it if there is one, and the offset to UTC if there is one."""

    day: date
    time: time | None = None
    offset: timedelta | None = None

    def instant(self, tz: ZoneInfo | timezone) -> datetime:
        """Return the UTC instant; a day alone means its first instant in `tz`."""
        wall = datetime.combine(self.day, self.time or time.min)
        if self.offset is not None:
            return wall.replace(tzinfo=timezone(self.offset)).astimezone(UTC)
        if isinstance(tz, timezone):
            return wall.replace(tzinfo=tz).astimezone(UTC)
        return first_instant(self.day, tz) if self.time is None else localize(wall, tz)


@lru_cache(REMEMBERED)
def first_instant(day: date, tz: ZoneInfo) -> datetime:
    """Return the first instant of a day; a file has the same days again and again."""
    return day_start(day, tz)


@lru_cache(REMEMBERED)
def read_wall(text: str, order: DayOrder | None, pattern: re.Pattern[str] | None = None) -> Wall:
    """Read a day with or without a time, by the pattern of a mapping or in any usual form. Raises Unreadable."""
    patterns = (pattern,) if pattern is not None else MOMENTS
    match = next((match for form in patterns if (match := form.fullmatch(text.strip()))), None)
    if match is None:
        raise Unreadable(f"{text!r} is not a day such as 2026-01-31 or 31.01.2026")
    parts = match.groupdict()
    try:
        return Wall(day_of(text, parts, order), time_of(parts), offset_of(parts.get("offset")))
    except Unreadable:
        raise
    except (ValueError, OverflowError):
        raise Unreadable(f"{text!r} is no day that exists") from None


def day_of(text: str, parts: dict[str, str | None], order: DayOrder | None) -> date:
    """Return the day of a match. Raises Unreadable when day and month may be swapped, ValueError when there is none."""
    year_text = parts["year"] or ""
    year = int(year_text) + (CENTURY if len(year_text) <= 2 else 0)
    month, day = parts.get("month"), parts.get("day")
    if day is None or month is None:
        day, month = in_order(text, int(parts["first"] or 0), int(parts["next"] or 0), order)
    if year not in YEARS:
        raise Unreadable(f"{text!r} is not a day between the years {YEARS.start} and {YEARS.stop - 1}")
    return date(year, MONTHS.index(month[:3].casefold()) + 1 if month[0].isalpha() else int(month), int(day))


MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def in_order(text: str, first: int, following: int, order: DayOrder | None) -> tuple[str, str]:
    """Return day and month of `first/following`. Raises Unreadable when the file does not show which is which."""
    order = order_of(first, following) or order
    if order is None and first != following:
        raise Unreadable(f"{text!r} may begin with the day or with the month: name the order in a mapping's `date`")
    return (str(following), str(first)) if order is DayOrder.MONTH else (str(first), str(following))


def order_of(first: int, following: int) -> DayOrder | None:
    """Return the order that the two numbers prove; None when both may be months."""
    if first > 12:
        return DayOrder.DAY
    return DayOrder.MONTH if following > 12 else None


def proved_order(text: str) -> DayOrder | None:
    """Return the order that a cell proves for its file."""
    match = MOMENTS[-1].fullmatch(text.strip())
    return order_of(int(match["first"]), int(match["next"])) if match else None


def time_of(parts: dict[str, str | None]) -> time | None:
    """Return the time of a match, None when it has none. Raises ValueError."""
    if parts.get("hour") is None:
        return None
    hour, half = int(parts["hour"] or 0), (parts.get("half") or "").casefold()
    if half and not 1 <= hour <= 12:
        raise ValueError(f"no hour {hour} {half}")
    hour = hour % 12 + (12 if half == "pm" else 0) if half else hour
    micros = (parts.get("part") or "").ljust(6, "0")
    return time(hour, int(parts["minute"] or 0), int(parts.get("second") or 0), int(micros))


def offset_of(text: str | None) -> timedelta | None:
    """Return the offset `Z`, `+03:00`, `+0300` or `+03`. Raises ValueError."""
    if not text:
        return None
    if text[0] not in "+-":
        return timedelta(0)
    hours, minutes = int(text[1:3]), int(text[-2:]) if len(text) > 3 else 0
    if hours > 15 or minutes > 59:
        raise ValueError(f"no offset {text}")
    return (1 if text[0] == "+" else -1) * timedelta(hours=hours, minutes=minutes)


def read_clock(text: str) -> time:
    """Read a time in a cell of its own. Raises Unreadable."""
    match = CLOCK.fullmatch(text.strip())
    try:
        clock = time_of(match.groupdict()) if match else None
    except ValueError:
        clock = None
    if clock is None:
        raise Unreadable(f"{text!r} is not a time such as 14:03:12")
    return clock


def read_zone(text: str) -> ZoneInfo | timezone:
    """Read a zone in a cell of its own: a name, an abbreviation with a single meaning, an offset. Raises Unreadable."""
    name = text.strip()
    if name.upper() in HOURS:
        return timezone(timedelta(hours=HOURS[name.upper()]))
    try:
        offset = offset_of(name.upper().removeprefix("GMT").removeprefix("UTC") or "Z")
        return timezone(offset) if offset is not None and name[-1:].isdigit() else zone(name)
    except (UnknownZone, ValueError):
        raise Unreadable(f"{text!r} is not a time zone with a single meaning") from None
