"""When a schedule is due: a cron expression read on the clock of a time zone.

engine.md 1.6. A fixed-hour schedule follows the hands of the clock: when the clock falls back it
fires on the first pass only, and slots that a gap swallows fire once, at the first instant after
it. A schedule whose hour is a wildcard or a step runs by elapsed time: both passes, and nothing
is invented in a gap.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from croniter import croniter

from domain.cron_fields import BadCron, Cron
from domain.cron_fields import parse_cron as _parse
from domain.zones import localize, next_change, require_aware

__all__ = ["BadCron", "Cron", "Occurrence", "latest_occurrences", "next_occurrences", "occurrences", "parse_cron"]

_STRETCH = timedelta(days=31)
_TICK = timedelta(microseconds=1)
_LOOKS_BACK = (timedelta(days=1), timedelta(days=31), timedelta(days=366))


@dataclass(frozen=True, slots=True, order=True)
class Occurrence:
    """One due run: `due` in UTC, and its local slot, which names it for ever.

    A slot is `YYYY-MM-DDTHH:MM` on the clock of the zone, with the UTC offset behind it when the
    schedule runs by elapsed time.
    """

    due: datetime
    slot: str


@lru_cache(maxsize=512)
def parse_cron(text: str) -> Cron:
    """Read `minute hour day month weekday`; raises `BadCron`."""
    return _parse(text)


def occurrences(
    cron: str, tz: ZoneInfo, after: datetime, until: datetime, limit: int = 10_000
) -> tuple[Occurrence, ...]:
    """The first `limit` occurrences due in (after, until], oldest first."""
    return tuple(islice(_due(parse_cron(cron), tz, require_aware(after), require_aware(until)), limit))


def latest_occurrences(cron: str, tz: ZoneInfo, after: datetime, until: datetime, n: int) -> tuple[Occurrence, ...]:
    """The last `n` occurrences due in (after, until], oldest first; of a long stretch only the end is looked at."""
    parsed, end = parse_cron(cron), require_aware(until)
    for back in _LOOKS_BACK:
        if require_aware(after) >= end - back:
            break
        found = tuple(_due(parsed, tz, end - back, end))
        if len(found) >= n:
            return found[-n:]
    return tuple(_due(parsed, tz, require_aware(after), end))[-n:]


def next_occurrences(cron: str, tz: ZoneInfo, after: datetime, n: int) -> tuple[Occurrence, ...]:
    """The next `n` occurrences due after an instant, oldest first."""
    return tuple(islice(_due(parse_cron(cron), tz, require_aware(after), None), n))


def _due(cron: Cron, tz: ZoneInfo, after: datetime, until: datetime | None) -> Iterator[Occurrence]:
    found = _by_elapsed_time if cron.by_elapsed_time else _by_wall_clock
    for occurrence in found(cron.expression, tz, after.astimezone(UTC), until):
        if until is not None and occurrence.due > until:
            return
        yield occurrence


def _by_wall_clock(expression: str, tz: ZoneInfo, after: datetime, until: datetime | None) -> Iterator[Occurrence]:
    held: Occurrence | None = None
    for wall in _walls(expression, after.astimezone(tz).replace(tzinfo=None, fold=0)):
        found = Occurrence(localize(wall, tz), _slot(wall))
        if found.due <= after:
            continue
        if held is not None and held.due != found.due:
            yield held
            held = None
        held = _the_real_one(held, found, tz)
        if until is not None and found.due > until:
            break
    if held is not None:
        yield held


def _the_real_one(held: Occurrence | None, found: Occurrence, tz: ZoneInfo) -> Occurrence:
    """Of occurrences that a gap pushed onto one instant: the one the clock shows, else the first."""
    shown = _slot(found.due.astimezone(tz))
    return found if held is None or found.slot == shown else held


def _by_elapsed_time(expression: str, tz: ZoneInfo, after: datetime, until: datetime | None) -> Iterator[Occurrence]:
    left = after
    while until is None or left < until:
        offset = (left + _TICK).astimezone(tz).utcoffset() or timedelta(0)
        end = next_change(left + _TICK, tz, _STRETCH) or left + _STRETCH
        for wall in _walls(expression, (left + offset).replace(tzinfo=None)):
            due = wall.replace(tzinfo=UTC) - offset
            if due >= end:
                break
            yield Occurrence(due, due.astimezone(tz).isoformat(timespec="minutes"))
        left = end - _TICK


def _walls(expression: str, after: datetime) -> Iterator[datetime]:
    """Naive times that match, later than a naive time."""
    return iter(croniter(expression, after, ret_type=datetime))


def _slot(wall: datetime) -> str:
    return wall.strftime("%Y-%m-%dT%H:%M")
