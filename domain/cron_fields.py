"""The grammar of a five-field cron expression, checked field by field."""

import re
from dataclasses import dataclass
from typing import Final

from croniter import CroniterError, croniter

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_ITEM = re.compile(r"(?:(?P<all>\*)|(?P<low>[a-z0-9]+)(?:-(?P<high>[a-z0-9]+))?)(?:/(?P<step>\d+))?", re.ASCII)
_LONGEST: Final = 200
_LAST_DAY = "l"


class BadCron(ValueError):
    """The expression is not one of five fields that ever fires; the message says why."""


@dataclass(frozen=True, slots=True)
class FieldKind:
    """What one field may hold: `low` to `high`, or a name from `low` on."""

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
    """A field of an expression: its text and its parts; `every` when the text is `*`."""

    text: str
    items: tuple[Item, ...]

    @property
    def every(self) -> bool:
        """Whether it does not restrict anything."""
        return self.text == "*"


@dataclass(frozen=True, slots=True)
class Cron:
    """A checked expression."""

    expression: str
    minute: Field
    hour: Field
    day: Field
    month: Field
    weekday: Field

    @property
    def by_elapsed_time(self) -> bool:
        """Whether the hour is a wildcard, a step or every hour, so that the clock's hands do not matter."""
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
    """Read `minute hour day month weekday`; raises `BadCron`."""
    parts = text.lower().split()
    if len(parts) != len(KINDS) or len(text) > _LONGEST:
        raise BadCron(f"{text!r}: five fields are needed: minute hour day month weekday")
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
    found = _ITEM.fullmatch(text)
    if found is None:
        raise BadCron(f"{kind.name}: {text!r} is not a value, a range, * or a step of one of them")
    step = int(found["step"] or 1)
    if not 1 <= step <= kind.high:
        raise BadCron(f"{kind.name}: a step is 1 to {kind.high}, not {step}")
    if found["all"]:
        return Item(kind.low, kind.high, step)
    low = _value(found["low"], kind)
    if found["high"] is None:
        return Item(low, kind.high if found["step"] else low, step)
    high = _value(found["high"], kind)
    if low >= high:
        raise BadCron(f"{kind.name}: the range {text!r} does not ascend")
    return Item(low, high, step)


def _value(text: str, kind: FieldKind) -> int:
    if text in kind.names:
        return kind.names.index(text) + kind.low
    if not text.isdigit() or not kind.low <= int(text) <= kind.high:
        raise BadCron(f"{kind.name}: {text!r} is outside {kind.low}-{kind.high}")
    return int(text)
