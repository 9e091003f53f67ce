"""Statistics over a time range: jobs, waits and run times per task, and bars over time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from psycopg import Connection

from kontor.monitoring import queries as monitoring_queries
from kontor.monitoring.queries import STEPS, TaskFigures
from models.console import RollupSize

HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Range:
    """A time range that ends now, in buckets of one size."""

    name: str
    words: str
    back: timedelta
    size: RollupSize
    bucket: timedelta

    def begin(self, now: datetime) -> datetime:
        """Return the start of the first bucket."""
        whole = now.replace(second=0, microsecond=0)
        if self.size is RollupSize.HOUR:
            whole = whole.replace(minute=0)
        return whole - self.back + self.bucket


RANGES: Final[Mapping[str, Range]] = {
    "hour": Range("hour", "last hour", HOUR, RollupSize.MINUTE, timedelta(minutes=1)),
    "day": Range("day", "last 24 hours", timedelta(days=1), RollupSize.HOUR, HOUR),
    "week": Range("week", "last 7 days", timedelta(days=7), RollupSize.HOUR, HOUR),
}


@dataclass(frozen=True, slots=True)
class TaskLine:
    """Statistics of one task, in seconds; None if no job finished. `overdue_now` counts jobs that are overdue now."""

    task: str
    ended: int
    cancelled: int
    per_minute: float
    wait_mean: float | None
    wait_most: float | None
    wait_max: float
    run_mean: float | None
    late_starts: int
    due_by: float | None
    overdue_now: int
    overdue_since: datetime | None


@dataclass(frozen=True, slots=True)
class Bar:
    """One bucket; heights in thousandths of the highest bar."""

    at: datetime
    ended: int
    late_starts: int
    height: int
    late_starts_height: int


def task_lines(
    figures: Sequence[TaskFigures],
    range_: Range,
    dues: Mapping[str, float],
    overdue: Mapping[str, tuple[int, datetime]],
) -> Sequence[TaskLine]:
    """Return tasks that finished jobs or have overdue ones: overdue first, then the busiest."""
    by_task = {row.task: row for row in figures}
    lines = [_line(task, by_task.get(task), range_, dues, overdue) for task in {**by_task, **overdue}]
    return sorted(lines, key=lambda line: (-line.overdue_now, -line.ended, line.task))


def bars(connection: Connection[object], range_: Range, now: datetime, queue: str | None = None) -> Sequence[Bar]:
    """Return a bar for every bucket of the range, empty ones included."""
    begin = range_.begin(now)
    buckets = {
        at: (succeeded + cancelled, late_starts)
        for at, succeeded, cancelled, late_starts in monitoring_queries.series(connection, range_.size, begin, queue)
    }
    most = max((ended for ended, _ in buckets.values()), default=0)
    count = round(range_.back / range_.bucket)
    result = []
    for number in range(count):
        at = begin + number * range_.bucket
        ended, late_starts = buckets.get(at, (0, 0))
        result.append(Bar(at, ended, late_starts, _height(ended, most), _height(late_starts, most)))
    return result


def percentile(waits: Sequence[int], part: float) -> float | None:
    """Return the step in seconds that this share of jobs stayed within: inf beyond the last step, None if empty."""
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
    figures: TaskFigures | None,
    range_: Range,
    dues: Mapping[str, float],
    overdue: Mapping[str, tuple[int, datetime]],
) -> TaskLine:
    waiting, since = overdue.get(task, (0, None))
    ended = 0 if figures is None else figures.succeeded + figures.cancelled
    wait_max = 0.0 if figures is None else figures.wait_max
    most = None if figures is None else percentile(figures.waits, 0.95)
    return TaskLine(
        task=task,
        ended=ended,
        cancelled=0 if figures is None else figures.cancelled,
        per_minute=ended / (range_.back / timedelta(minutes=1)),
        wait_mean=None if figures is None or not ended else figures.wait_sum / ended,
        wait_most=None if most is None else min(most, wait_max),
        wait_max=wait_max,
        run_mean=None if figures is None or not ended else figures.run_sum / ended,
        late_starts=0 if figures is None else figures.overdue,
        due_by=dues.get(task),
        overdue_now=waiting,
        overdue_since=since,
    )


def _height(count: int, most: int) -> int:
    return 0 if not count else max(12, round(1000 * count / most))
