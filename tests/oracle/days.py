"""Days and months in the programme's local calendar."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def local_date(instant: datetime, zone: ZoneInfo) -> date:
    """The local day in `zone`."""
    return instant.astimezone(zone).date()


def is_a_day(year: int, month: int, day: int) -> bool:
    """Whether the calendar has this day."""
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def months_later(day: date, months: int) -> date:
    """Step month by month, then go back from the wanted day until the month has it."""
    year, month = day.year, day.month
    for _ in range(abs(months)):
        month += 1 if months > 0 else -1
        if month == 13:
            year, month = year + 1, 1
        if month == 0:
            year, month = year - 1, 12
    wished = day.day
    while not is_a_day(year, month, wished):
        wished -= 1
    return date(year, month, wished)


def days_from(first: date, last: date) -> Iterator[date]:
    """Every day, both ends included."""
    day = first
    while day <= last:
        yield day
        day += timedelta(days=1)


def period_around(anchor: date, day: date) -> tuple[date, date]:
    """First day and exclusive end of the monthly period, counted from the anchor, that contains the day."""
    number = 0
    while months_later(anchor, number + 1) <= day:
        number += 1
    return months_later(anchor, number), months_later(anchor, number + 1)


def month_around(day: date) -> tuple[date, date]:
    """First day and exclusive end of the calendar month."""
    first = date(day.year, day.month, 1)
    return first, months_later(first, 1)


def wall_instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant of a local time; a skipped one means the moment of the clock change."""
    asked = datetime.combine(day, at)
    instant = asked.replace(tzinfo=zone).astimezone(UTC)
    shown = instant.astimezone(zone).replace(tzinfo=None)
    if shown == asked:
        return instant
    # Skipped by the clock. Walk back in whole seconds to the first instant that shows a later time.
    first = instant
    while (first - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None, fold=0) > asked:
        first -= timedelta(seconds=1)
    return first
