"""Parser for five-field cron expressions."""

import re
from dataclasses import dataclass
from typing import Final

from croniter import CroniterError, croniter

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_ITEM = re.compile(r"(?:(?P<all>\*)|(?P<low>[a-z0-9]+)(?:-(?P<high>[a-z0-9]+))?)(?:/(?P<step>\d+))?", re.ASCII)
_MAX_LENGTH: Final = 200
_LAST_DAY = "l"


class BadCron(ValueError):
    """The expression is malformed or never fires; the message says why."""


@dataclass(frozen=True, slots=True)
class FieldKind:
    """Allowed values of a field: `low` to `high`, or names that count from `low`."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """One part of a field: `low` to `high` by `step`; `last` is the last day of the month."""

    low: int
    high: int
    step: int = 1
    last: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A parsed field: its text and its parts."""

    text: str
    items: tuple[Item, ...]

    @property
    def every(self) -> bool:
        """Whether the field is `*`, so that it restricts nothing."""
        return self.text == "*"


@dataclass(frozen=True, slots=True)
class Cron:
    """A parsed expression."""

    expression: str
    minute: Field
    hour: Field
    day: Field
    month: Field
    weekday: Field

    @property
    def by_elapsed_time(self) -> bool:
        """Whether the schedule runs by elapsed time: the hour is a wildcard, a step or every hour."""
        hours = {hour for item in self.hour.items for hour in range(item.low, item.high + 1, item.step)}
        return "*" in self.hour.text or "/" in self.hour.text or len(hours) == 24


KINDS: Final = (
    FieldKind("minute", 0, 59),
    FieldKind("hour", 0, 23),
    FieldKind("day of month", 1, 31),
    FieldKind("month", 1, 12, _MONTHS),
    FieldKind("day of week", 0, 7, _DAYS),
)


def parse_cron(text: str) -> Cron:
    """Parse `minute hour day month weekday`; raises `BadCron`."""
    parts = text.lower().split()
    if len(parts) != len(KINDS) or len(text) > _MAX_LENGTH:
        raise BadCron(f"{text!r}: five fields are required: minute hour day month weekday")
    fields = [_field(part, kind) for part, kind in zip(parts, KINDS, strict=True)]
    expression = " ".join(parts)
    try:
        next(iter(croniter(expression, 0)))
    except CroniterError as error:
        raise BadCron(f"{text!r} never fires") from error
    return Cron(expression, *fields)


def _field(text: str, kind: FieldKind) -> Field:
    return Field(text, tuple(_item(part, kind) for part in text.split(",")))


def _item(text: str, kind: FieldKind) -> Item:
    if text == _LAST_DAY and kind.name == "day of month":
        return Item(31, 31, last=True)
    match = _ITEM.fullmatch(text)
    if match is None:
        raise BadCron(f"{kind.name}: {text!r} is not a value, a range or *, with an optional /step")
    step = int(match["step"] or 1)
    if not 1 <= step <= kind.high:
        raise BadCron(f"{kind.name}: a step must be 1 to {kind.high}, not {step}")
    if match["all"]:
        return Item(kind.low, kind.high, step)
    low = _value(match["low"], kind)
    if match["high"] is None:
        return Item(low, kind.high if match["step"] else low, step)
    high = _value(match["high"], kind)
    if low >= high:
        raise BadCron(f"{kind.name}: the range {text!r} must be ascending")
    return Item(low, high, step)


def _value(text: str, kind: FieldKind) -> int:
    if text in kind.names:
        return kind.names.index(text) + kind.low
    if not text.isdigit() or not kind.low <= int(text) <= kind.high:
        raise BadCron(f"{kind.name}: {text!r} is outside {kind.low}-{kind.high}")
    return int(text)
