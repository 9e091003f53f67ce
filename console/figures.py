"""Figures over a span: what each task did, how long its jobs waited and ran, and bars over time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from psycopg import Connection

from models.console import RollupSize
from store import rollups
from store.rollups import STEPS, TaskFigures

HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Span:
    """How far back figures go, in buckets of one size."""

    name: str
    words: str
    back: timedelta
    size: RollupSize
    bucket: timedelta

    def begin(self, now: datetime) -> datetime:
        """The start of the first bucket."""
        whole = now.replace(second=0, microsecond=0)
        if self.size is RollupSize.HOUR:
            whole = whole.replace(minute=0)
        return whole - self.back + self.bucket


SPANS: Final[Mapping[str, Span]] = {
    "hour": Span("hour", "last hour", HOUR, RollupSize.MINUTE, timedelta(minutes=1)),
    "day": Span("day", "last 24 hours", timedelta(days=1), RollupSize.HOUR, HOUR),
    "week": Span("week", "last 7 days", timedelta(days=7), RollupSize.HOUR, HOUR),
}


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task in a span. Seconds; None where nothing ended. `waiting_late`: of the oldest that wait now."""

    task: str
    ended: int
    cancelled: int
    per_minute: float
    wait_mean: float | None
    wait_most: float | None
    wait_max: float
    run_mean: float | None
    late: int
    due_by: float | None
    waiting_late: int
    late_since: datetime | None


@dataclass(frozen=True, slots=True)
class Bar:
    """A bucket; heights in thousandths of the highest."""

    at: datetime
    ended: int
    late: int
    height: int
    late_height: int


def task_lines(
    found: Sequence[TaskFigures], span: Span, dues: Mapping[str, float], late: Mapping[str, tuple[int, datetime]]
) -> Sequence[TaskLine]:
    """Each task that did something or is late, those that are late now first, then the busiest."""
    known = {one.task: one for one in found}
    lines = [_line(task, known.get(task), span, dues, late) for task in {**known, **late}]
    return sorted(lines, key=lambda line: (-line.waiting_late, -line.ended, line.task))


def bars(driver: Connection[object], span: Span, now: datetime, queue: str | None = None) -> Sequence[Bar]:
    """One bar for every bucket of the span, empty ones too."""
    begin = span.begin(now)
    found = {at: (done + gone, late) for at, done, gone, late in rollups.series(driver, span.size, begin, queue)}
    most = max((ended for ended, _ in found.values()), default=0)
    count = round(span.back / span.bucket)
    made = []
    for number in range(count):
        at = begin + number * span.bucket
        ended, late = found.get(at, (0, 0))
        made.append(Bar(at, ended, late, _height(ended, most), _height(late, most)))
    return made


def percentile(waits: Sequence[int], part: float) -> float | None:
    """The step (seconds) that this part of the jobs did not exceed; infinite beyond the last, None of none."""
    total = sum(waits)
    if not total:
        return None
    so_far = 0
    for count, step in zip(waits, (*STEPS, float("inf")), strict=True):
        so_far += count
        if so_far >= part * total:
            return step
    return float("inf")


def _line(
    task: str,
    one: TaskFigures | None,
    span: Span,
    dues: Mapping[str, float],
    late: Mapping[str, tuple[int, datetime]],
) -> TaskLine:
    waiting, since = late.get(task, (0, None))
    ended = 0 if one is None else one.succeeded + one.cancelled
    wait_max = 0.0 if one is None else one.wait_max
    most = None if one is None else percentile(one.waits, 0.95)
    return TaskLine(
        task=task,
        ended=ended,
        cancelled=0 if one is None else one.cancelled,
        per_minute=ended / (span.back / timedelta(minutes=1)),
        wait_mean=None if one is None or not ended else one.wait_sum / ended,
        wait_most=None if most is None else min(most, wait_max),
        wait_max=wait_max,
        run_mean=None if one is None or not ended else one.run_sum / ended,
        late=0 if one is None else one.late,
        due_by=dues.get(task),
        waiting_late=waiting,
        late_since=since,
    )


def _height(count: int, most: int) -> int:
    return 0 if not count else max(12, round(1000 * count / most))
