"""Month arithmetic that keeps the anchor day, and the periods built on it."""

import calendar
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from kontor.kernel.zones import day_start, local_day

ONE_DAY = timedelta(days=1)


def last_day_of_month(year: int, month: int) -> int:
    """Return the last day of a month, 28 to 31."""
    return calendar.monthrange(year, month)[1]


def add_months(day: date, months: int) -> date:
    """Return the same day of another month, clamped to that month's last day; `months` may be negative."""
    year, index = divmod(day.year * 12 + day.month - 1 + months, 12)
    month = index + 1
    return date(year, month, min(day.day, last_day_of_month(year, month)))


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Local days from `start` to before `end`."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError("a period must end after it starts")

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def instants(self, tz: ZoneInfo) -> tuple[datetime, datetime]:
        """Return the first instant and the exclusive end, in UTC."""
        return day_start(self.start, tz), day_start(self.end, tz)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """Local days from `first` to `last`, both included."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


def calendar_month(instant: datetime, tz: ZoneInfo) -> Period:
    """Return the calendar month in `tz` that contains an aware instant."""
    first = local_day(instant, tz).replace(day=1)
    return Period(first, add_months(first, 1))


def paid_period(anchor: date, index: int) -> Period:
    """Return the monthly period number `index` (from 0) counted from `anchor`.

    Both bounds are counted from the anchor: the 31st becomes the last day of a shorter month,
    then the 31st again (programme.md 7.5).
    """
    return Period(add_months(anchor, index), add_months(anchor, index + 1))


def paid_period_index(anchor: date, day: date) -> int:
    """Return the index of the paid period that contains `day`; negative before the anchor."""
    index = (day.year - anchor.year) * 12 + day.month - anchor.month
    return index if day >= add_months(anchor, index) else index - 1


def turnover_window(day: date) -> Window:
    """Return [day minus one calendar month, day], clamped to the shorter month (programme.md 6.3)."""
    return Window(add_months(day, -1), day)


def expiring_days(day: date) -> Period | None:
    """Return the days in the window of `day` that are not in the next day's window, if any."""
    first, next_first = turnover_window(day).first, turnover_window(day + ONE_DAY).first
    return Period(first, next_first) if next_first > first else None
