"""Describes a cron expression in English, for the console's schedule page."""

import calendar
from collections.abc import Callable, Sequence

from domain.cron import parse_cron
from domain.cron_fields import Cron, Field, Item

_TIMES_LISTED = 6


def in_words(cron: str) -> str:
    """Return for example `at 00:05 every day` or `every 15 minutes`; raises `BadCron`."""
    parsed = parse_cron(cron)
    return " ".join(part for part in (_time(parsed), _days(parsed), _months(parsed.month)) if part)


def _time(cron: Cron) -> str:
    minutes, hours = _values(cron.minute), _values(cron.hour)
    if minutes and hours and len(minutes) * len(hours) <= _TIMES_LISTED:
        return "at " + _join([f"{hour:02}:{minute:02}" for hour in hours for minute in minutes])
    if cron.hour.every:
        return _minutes(cron.minute, " of every hour")
    if cron.hour.text.startswith("*/") and len(cron.hour.items) == 1:
        return _minutes(cron.minute, f" of every {_ordinal(cron.hour.items[0].step)} hour")
    hours_text = _join([_range(item, "{:02}".format) for item in cron.hour.items])
    return f"{_minutes(cron.minute, '')} in the hours {hours_text}"


def _minutes(field: Field, of_hour: str) -> str:
    if field.every:
        return "every minute" + (of_hour if of_hour != " of every hour" else "")
    if field.text.startswith("*/") and len(field.items) == 1:
        return f"every {field.items[0].step} minutes" + (of_hour if of_hour != " of every hour" else "")
    return "at minute " + _join([_range(item, str) for item in field.items]) + of_hour


def _days(cron: Cron) -> str:
    if cron.day.every and cron.weekday.every:
        return "" if cron.by_elapsed_time else "every day"
    days = [_day(item) for item in cron.day.items] if not cron.day.every else []
    weekdays = [_range(item, _weekday) for item in cron.weekday.items] if not cron.weekday.every else []
    parts = [f"on {_join(part)}" for part in (days, weekdays) if part]
    return " or ".join(parts)


def _day(item: Item) -> str:
    return "the last day of the month" if item.last else "day " + _range(item, str)


def _months(field: Field) -> str:
    return "" if field.every else "in " + _join([_range(item, _month) for item in field.items])


def _range(item: Item, name: Callable[[int], str]) -> str:
    if item.low == item.high:
        return name(item.low)
    text = f"{name(item.low)} to {name(item.high)}"
    return text if item.step == 1 else f"{text} in steps of {item.step}"


def _values(field: Field) -> list[int]:
    """Return the field's values in order if it is a list of single values, else an empty list."""
    single = all(item.low == item.high for item in field.items)
    return sorted({item.low for item in field.items}) if single else []


def _join(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _ordinal(number: int) -> str:
    return f"{number}{ {2: 'nd', 3: 'rd', 22: 'nd', 23: 'rd', 21: 'st'}.get(number, 'th') }"


def _weekday(number: int) -> str:
    return calendar.day_name[(number + 6) % 7]


def _month(number: int) -> str:
    return calendar.month_name[number]
