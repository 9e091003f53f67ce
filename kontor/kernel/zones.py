"""Time zones: names, local days, and conversion of wall-clock times to instants."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kontor.kernel.errors import FieldError, Invalid

YEARS: Final = range(1900, 9000)
"""Years of the days and instants that people and systems send."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_NAME = re.compile(r"(?:UTC|[A-Z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)+)", re.ASCII)


class UnknownZone(ValueError):
    """The name is not in the IANA time zone database."""


def zone(name: str) -> ZoneInfo:
    """Return the IANA zone of a name, such as `Europe/Berlin` or `UTC`; raises `UnknownZone`."""
    if not _NAME.fullmatch(name):
        raise UnknownZone(f"unknown time zone {name!r}")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownZone(f"unknown time zone {name!r}") from error


def parse_day(text: str) -> date:
    """Return the day of `2026-01-31`; raises `ValueError` for any other form, such as the week date `2026-W05-6`."""
    if not _DAY.fullmatch(text):
        raise ValueError(f"{text!r} is not a day such as 2026-01-31")
    return date.fromisoformat(text)


def day_of_field(text: str | None, name: str) -> date | None:
    """Return the day in a field of a form, None for an empty one. Raises Invalid that names the field."""
    if text is None:
        return None
    try:
        day = parse_day(text)
    except ValueError:
        day = None
    if day is None or day.year not in YEARS:
        message = f"{text} is not a date; use the form 2026-03-31."
        raise Invalid(message=message, errors=[FieldError(name, message)])
    return day


def parse_time(text: str) -> datetime:
    """Return the time of an ISO 8601 text that begins like `2026-01-31`, aware with an offset; raises `ValueError`."""
    if not _DAY.fullmatch(text[:10]) or text[10:11] not in {"", "T", "t", " "}:
        raise ValueError(f"{text!r} is not a time such as 2026-01-31T09:00:00Z")
    return datetime.fromisoformat(text)


def local_day(instant: datetime, tz: ZoneInfo) -> date:
    """Return the calendar day in `tz` at an aware instant."""
    return require_aware(instant).astimezone(tz).date()


def day_start(day: date, tz: ZoneInfo) -> datetime:
    """Return the first instant of a local day, in UTC (not always midnight: America/Santiago)."""
    return localize(datetime.combine(day, time.min), tz)


def localize(wall: datetime, tz: ZoneInfo) -> datetime:
    """Return the UTC instant of a naive wall-clock time.

    An ambiguous time means its first pass; a skipped time means the first instant after the gap.
    """
    if wall.tzinfo is not None:
        raise ValueError("a wall-clock time must be naive")
    early = wall.replace(tzinfo=tz, fold=0).astimezone(UTC)
    if not in_gap(wall, tz):
        return early
    before = wall.replace(tzinfo=tz, fold=1).astimezone(UTC)
    return _change_between(before, early, tz)


def in_gap(wall: datetime, tz: ZoneInfo) -> bool:
    """Return whether the clock of `tz` skips a naive wall-clock time."""
    shown = wall.replace(tzinfo=tz, fold=0).astimezone(UTC).astimezone(tz)
    return shown.replace(tzinfo=None, fold=0) != wall.replace(fold=0)


def next_change(instant: datetime, tz: ZoneInfo, within: timedelta) -> datetime | None:
    """Return the first instant in (instant, instant + within] at which the UTC offset changes, if any."""
    step = timedelta(days=1)
    end = instant + within
    left = instant
    while left < end:
        right = min(left + step, end)
        if right.astimezone(tz).utcoffset() != left.astimezone(tz).utcoffset():
            return _change_between(left, right, tz)
        left = right
    return None


def require_aware(instant: datetime) -> datetime:
    """Return the instant; raises `ValueError` if it is naive."""
    if instant.utcoffset() is None:
        raise ValueError("an instant requires a UTC offset")
    return instant


def _change_between(left: datetime, right: datetime, tz: ZoneInfo) -> datetime:
    """Find the change of offset in (left, right], to the second, by bisection."""
    old = left.astimezone(tz).utcoffset()
    low = left.astimezone(UTC).replace(microsecond=0)
    high = right.astimezone(UTC)
    high = high if high.microsecond == 0 else high.replace(microsecond=0) + timedelta(seconds=1)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        if middle.astimezone(tz).utcoffset() == old:
            low = middle
        else:
            high = middle
    return high
