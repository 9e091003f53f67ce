"""Occurrences of a schedule: a cron expression evaluated in a time zone.

engine.md 1.6. A fixed-hour schedule follows the wall clock: when the clock is set back, it fires on
the first pass only; slots inside a gap fire once, at the first instant after the gap. A schedule
whose hour is a wildcard or a step runs by elapsed time: it fires on both passes and skips the gap.
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

_CHUNK = timedelta(days=31)
_TICK = timedelta(microseconds=1)
_LOOKBACKS = (timedelta(days=1), timedelta(days=31), timedelta(days=366))


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
    """Parse `minute hour day month weekday`; raises `BadCron`."""
    return _parse(text)


def occurrences(
    cron: str, tz: ZoneInfo, after: datetime, until: datetime, limit: int = 10_000
) -> tuple[Occurrence, ...]:
    """Return the first `limit` occurrences due in (after, until], oldest first."""
    return tuple(islice(_due(parse_cron(cron), tz, require_aware(after), require_aware(until)), limit))


def latest_occurrences(cron: str, tz: ZoneInfo, after: datetime, until: datetime, n: int) -> tuple[Occurrence, ...]:
    """Return the last `n` occurrences due in (after, until], oldest first; scans a long interval from its end."""
    parsed, end = parse_cron(cron), require_aware(until)
    for back in _LOOKBACKS:
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
    for occurrence in generate(cron.expression, tz, after.astimezone(UTC), until):
        if until is not None and occurrence.due > until:
            return
        yield occurrence


def _by_wall_clock(expression: str, tz: ZoneInfo, after: datetime, until: datetime | None) -> Iterator[Occurrence]:
    pending: Occurrence | None = None
    for wall in _matching_times(expression, after.astimezone(tz).replace(tzinfo=None, fold=0)):
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


def _by_elapsed_time(expression: str, tz: ZoneInfo, after: datetime, until: datetime | None) -> Iterator[Occurrence]:
    left = after
    while until is None or left < until:
        offset = (left + _TICK).astimezone(tz).utcoffset() or timedelta(0)
        end = next_change(left + _TICK, tz, _CHUNK) or left + _CHUNK
        for wall in _matching_times(expression, (left + offset).replace(tzinfo=None)):
            due = wall.replace(tzinfo=UTC) - offset
            if due >= end:
                break
            yield Occurrence(due, due.astimezone(tz).isoformat(timespec="minutes"))
        left = end - _TICK


def _matching_times(expression: str, after: datetime) -> Iterator[datetime]:
    """Yield the matching naive times after a naive time."""
    return iter(croniter(expression, after, ret_type=datetime))


def _slot(wall: datetime) -> str:
    return wall.strftime("%Y-%m-%dT%H:%M")
