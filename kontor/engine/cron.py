"""Occurrences of a schedule: a cron expression evaluated in a time zone.

engine.md 1.6. A fixed-hour schedule follows the wall clock: when the clock is set back, it fires on
the first pass only; slots inside a gap fire once, at the first instant after the gap. A schedule
whose hour is a wildcard or a step runs by elapsed time: it fires on both passes and skips the gap.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import count, islice
from typing import Final
from zoneinfo import ZoneInfo

from croniter import CroniterError, croniter

from kontor.kernel.periods import ONE_DAY
from kontor.kernel.zones import localize, next_change, require_aware

__all__ = ["Cron", "InvalidCron", "Occurrence", "latest_occurrences", "next_occurrences", "occurrences", "parse_cron"]


_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_ITEM = re.compile(r"(?:(?P<all>\*)|(?P<low>[a-z0-9]+)(?:-(?P<high>[a-z0-9]+))?)(?:/(?P<step>\d+))?", re.ASCII)
_MAX_LENGTH: Final = 200
_LAST_DAY = "l"


class InvalidCron(ValueError):
    """The expression is malformed or never fires; the message says why."""


@dataclass(frozen=True, slots=True)
class CronFieldKind:
    """Allowed values of a field: `low` to `high`, or names that count from `low`."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CronItem:
    """One part of a field: `low` to `high` by `step`; `last` is the last day of the month."""

    low: int
    high: int
    step: int = 1
    last: bool = False


@dataclass(frozen=True, slots=True)
class CronField:
    """A parsed field: its text and its parts."""

    text: str
    items: tuple[CronItem, ...]

    @property
    def every(self) -> bool:
        """Whether the field is `*`, so that it restricts nothing."""
        return self.text == "*"

    @property
    def values(self) -> list[int]:
        """The numbers that match, in order; the last day of a month counts as 31."""
        return sorted({value for item in self.items for value in range(item.low, item.high + 1, item.step)})


@dataclass(frozen=True, slots=True)
class Cron:
    """A parsed expression."""

    expression: str
    minute: CronField
    hour: CronField
    day: CronField
    month: CronField
    weekday: CronField

    @property
    def by_elapsed_time(self) -> bool:
        """Whether the schedule runs by elapsed time: the hour is a wildcard, a step or every hour."""
        return "*" in self.hour.text or "/" in self.hour.text or len(self.hour.values) == 24


CRON_FIELD_KINDS: Final = (
    CronFieldKind("minute", 0, 59),
    CronFieldKind("hour", 0, 23),
    CronFieldKind("day of month", 1, 31),
    CronFieldKind("month", 1, 12, _MONTHS),
    CronFieldKind("day of week", 0, 7, _DAYS),
)


def read_fields(text: str) -> Cron:
    """Parse `minute hour day month weekday`; raises `InvalidCron`."""
    parts = text.lower().split()
    if len(parts) != len(CRON_FIELD_KINDS) or len(text) > _MAX_LENGTH:
        raise InvalidCron(f"{text!r}: five fields are required: minute hour day month weekday")
    fields = [_field(part, kind) for part, kind in zip(parts, CRON_FIELD_KINDS, strict=True)]
    expression = " ".join(parts)
    try:
        next(iter(croniter(expression, 0)))
    except CroniterError as error:
        raise InvalidCron(f"{text!r} never fires") from error
    return Cron(expression, *fields)


def _field(text: str, kind: CronFieldKind) -> CronField:
    return CronField(text, tuple(_item(part, kind) for part in text.split(",")))


def _item(text: str, kind: CronFieldKind) -> CronItem:
    if text == _LAST_DAY and kind.name == "day of month":
        return CronItem(31, 31, last=True)
    match = _ITEM.fullmatch(text)
    if match is None:
        raise InvalidCron(f"{kind.name}: {text!r} is not a value, a range or *, with an optional /step")
    step = int(match["step"] or 1)
    if not 1 <= step <= kind.high:
        raise InvalidCron(f"{kind.name}: a step must be 1 to {kind.high}, not {step}")
    if match["all"]:
        return CronItem(kind.low, kind.high, step)
    low = _value(match["low"], kind)
    if match["high"] is None:
        return CronItem(low, kind.high if match["step"] else low, step)
    high = _value(match["high"], kind)
    if low >= high:
        raise InvalidCron(f"{kind.name}: the range {text!r} must be ascending")
    return CronItem(low, high, step)


def _value(text: str, kind: CronFieldKind) -> int:
    if text in kind.names:
        return kind.names.index(text) + kind.low
    if not text.isdigit() or not kind.low <= int(text) <= kind.high:
        raise InvalidCron(f"{kind.name}: {text!r} is outside {kind.low}-{kind.high}")
    return int(text)


_CHUNK = timedelta(days=31)
_TICK = timedelta(microseconds=1)
_LOOKBACKS = (timedelta(days=31), timedelta(days=366))


@dataclass(frozen=True, slots=True, order=True)
class Occurrence:
    """One due run: `due` in UTC, and its local slot, which identifies it permanently.

    A slot is `YYYY-MM-DDTHH:MM` in local time, followed by the UTC offset when the schedule runs by
    elapsed time.
    """

    due: datetime
    slot: str


@lru_cache(maxsize=512)
def parse_cron(text: str) -> Cron:
    """Parse `minute hour day month weekday`; raises `InvalidCron`."""
    return read_fields(text)


def occurrences(
    cron: str, tz: ZoneInfo, after: datetime, until: datetime, limit: int = 10_000
) -> tuple[Occurrence, ...]:
    """Return the first `limit` occurrences due in (after, until], oldest first."""
    return tuple(islice(_due(parse_cron(cron), tz, require_aware(after), require_aware(until)), limit))


def latest_occurrences(cron: str, tz: ZoneInfo, after: datetime, until: datetime, n: int) -> tuple[Occurrence, ...]:
    """Return the last `n` occurrences due in (after, until], oldest first; scans a long interval from its end."""
    parsed, end = parse_cron(cron), require_aware(until)
    likely = timedelta(hours=2) + timedelta(days=1.25) * n / len(_times_of_day(parsed))
    for back in sorted({likely, *_LOOKBACKS}):
        if require_aware(after) >= end - back:
            break
        recent = tuple(_due(parsed, tz, end - back, end))
        if len(recent) >= n:
            return recent[-n:]
    return tuple(_due(parsed, tz, require_aware(after), end))[-n:]


def next_occurrences(cron: str, tz: ZoneInfo, after: datetime, n: int) -> tuple[Occurrence, ...]:
    """Return the next `n` occurrences due after an instant, oldest first."""
    return tuple(islice(_due(parse_cron(cron), tz, require_aware(after), None), n))


def _due(cron: Cron, tz: ZoneInfo, after: datetime, until: datetime | None) -> Iterator[Occurrence]:
    generate = _by_elapsed_time if cron.by_elapsed_time else _by_wall_clock
    for occurrence in generate(cron, tz, after.astimezone(UTC), until):
        if until is not None and occurrence.due > until:
            return
        yield occurrence


def _by_wall_clock(cron: Cron, tz: ZoneInfo, after: datetime, until: datetime | None) -> Iterator[Occurrence]:
    pending: Occurrence | None = None
    for wall in _matching_times(cron, after.astimezone(tz).replace(tzinfo=None, fold=0)):
        current = Occurrence(localize(wall, tz), _slot(wall))
        if current.due <= after:
            continue
        if pending is not None and pending.due != current.due:
            yield pending
            pending = None
        pending = _prefer_real_slot(pending, current, tz)
        if until is not None and current.due > until:
            break
    if pending is not None:
        yield pending


def _prefer_real_slot(pending: Occurrence | None, current: Occurrence, tz: ZoneInfo) -> Occurrence:
    """Choose between occurrences that a gap moved to one instant: the one the clock shows, else the first."""
    shown = _slot(current.due.astimezone(tz))
    return current if pending is None or current.slot == shown else pending


def _by_elapsed_time(cron: Cron, tz: ZoneInfo, after: datetime, until: datetime | None) -> Iterator[Occurrence]:
    left = after
    while until is None or left < until:
        offset = (left + _TICK).astimezone(tz).utcoffset() or timedelta(0)
        end = next_change(left + _TICK, tz, _CHUNK) or left + _CHUNK
        suffix = _slot_offset((left + _TICK).astimezone(tz))
        for wall in _matching_times(cron, (left + offset).replace(tzinfo=None)):
            due = wall.replace(tzinfo=UTC) - offset
            if due >= end:
                break
            yield Occurrence(due, wall.isoformat(timespec="minutes") + suffix)
        left = end - _TICK


def _matching_times(cron: Cron, after: datetime) -> Iterator[datetime]:
    """Yield the matching naive times after a naive time."""
    times = _times_of_day(cron)
    for day in _matching_days(cron, after.date()):
        yield from (wall for at in times if (wall := datetime.combine(day, at)) > after)


def _matching_days(cron: Cron, first: date) -> Iterator[date]:
    """Yield the days that match, from a day on."""
    if cron.day.every and cron.month.every and cron.weekday.every:
        yield from (first + ONE_DAY * number for number in count())
    midnights = f"0 0 {cron.day.text} {cron.month.text} {cron.weekday.text}"
    for midnight in croniter(midnights, datetime.combine(first, time()) - _TICK, ret_type=datetime):
        yield midnight.date()


@lru_cache(maxsize=512)
def _times_of_day(cron: Cron) -> tuple[time, ...]:
    """Return the times of a day that matches, in order."""
    return tuple(time(hour, minute) for hour in cron.hour.values for minute in cron.minute.values)


def _slot_offset(local: datetime) -> str:
    """Return the offset from UTC as it stands at the end of a slot, such as `+02:00`."""
    return local.isoformat(timespec="minutes")[len("YYYY-MM-DDTHH:MM") :]


def _slot(wall: datetime) -> str:
    return wall.strftime("%Y-%m-%dT%H:%M")
