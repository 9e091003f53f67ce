"""Counts and durations of attempts in a worker process, by task and outcome, never by job.

They are flushed to `job_totals`, which metrics read. A crash loses the unflushed ones; no guarantee depends on them.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock, local
from typing import Final

from kontor.kernel.database import PgConnection

WAIT_BOUNDS: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 3600.0)
RUN_BOUNDS: Final = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 60.0)
"""Upper bounds of the histogram buckets, in seconds; one more bucket holds larger values."""

_SUM: Final = "(SELECT array_agg(a + b ORDER BY i) FROM unnest({0}, excluded.{1}) WITH ORDINALITY AS u (a, b, i))"
TOTALS: Final = f"""
INSERT INTO job_totals AS t (task, outcome, jobs, late, wait_seconds, run_seconds, wait_buckets, run_buckets)
VALUES (%s, %s, %s, %s, %s, %s, %s::bigint[], %s::bigint[])
ON CONFLICT (task, outcome) DO UPDATE SET
    jobs = t.jobs + excluded.jobs,
    late = t.late + excluded.late,
    wait_seconds = t.wait_seconds + excluded.wait_seconds,
    run_seconds = t.run_seconds + excluded.run_seconds,
    wait_buckets = {_SUM.format("t.wait_buckets", "wait_buckets")},
    run_buckets = {_SUM.format("t.run_buckets", "run_buckets")}
"""  # noqa: S608 -- constants


def _empty(bounds: Sequence[float]) -> list[int]:
    return [0] * (len(bounds) + 1)


@dataclass(slots=True)
class OutcomeStats:
    """Statistics of one task and outcome. Wait: seconds from due to start; run: seconds from start to end."""

    jobs: int = 0
    overdue: int = 0
    wait_seconds: float = 0.0
    run_seconds: float = 0.0
    wait_buckets: list[int] = field(default_factory=lambda: _empty(WAIT_BOUNDS))
    run_buckets: list[int] = field(default_factory=lambda: _empty(RUN_BOUNDS))

    def add(self, waited: float, ran: float, *, overdue: bool) -> None:
        """Count one attempt."""
        self.jobs += 1
        self.overdue += overdue
        self.wait_seconds += waited
        self.run_seconds += ran
        self.wait_buckets[bisect_left(WAIT_BOUNDS, waited)] += 1
        self.run_buckets[bisect_left(RUN_BOUNDS, ran)] += 1


class JobStats:
    """Statistics of one process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._stats: dict[tuple[str, str], OutcomeStats] = {}
        self._thread = local()

    @contextmanager
    def provisional(self) -> Iterator[None]:
        """Count what this thread adds in the block only if the block succeeds: its transaction may be rolled back."""
        pending: list[tuple[str, str, datetime, datetime | None, datetime, timedelta | None]] = []
        self._thread.pending = pending
        try:
            yield
        finally:
            self._thread.pending = None
        for attempt in pending:
            self.add(*attempt)

    def add(
        self,
        task: str,
        outcome: str,
        due: datetime,
        started: datetime | None,
        ended: datetime,
        due_by: timedelta | None,
    ) -> None:
        """Count an attempt that ended; it is late when it ended more than `due_by` after its due time."""
        pending = getattr(self._thread, "pending", None)
        if pending is not None:
            pending.append((task, outcome, due, started, ended, due_by))
            return
        began = started or ended
        waited, ran = max(0.0, (began - due).total_seconds()), max(0.0, (ended - began).total_seconds())
        overdue = due_by is not None and ended - due > due_by
        with self._lock:
            bucket = self._stats.get((task, outcome))
            if bucket is None:
                bucket = self._stats[task, outcome] = OutcomeStats()
            bucket.add(waited, ran, overdue=overdue)

    def flush(self, connection: PgConnection) -> None:
        """Flush the statistics to the database; on failure they are kept. Raises psycopg errors."""
        with self._lock:
            pending, self._stats = self._stats, {}
        written = False
        try:
            with connection.transaction():
                for key in sorted(pending):
                    _write(connection, key, pending[key])
            written = True
        finally:
            if not written:
                self._restore(pending)

    def _restore(self, pending: dict[tuple[str, str], OutcomeStats]) -> None:
        with self._lock:
            newer, self._stats = self._stats, pending
            for key, addition in newer.items():
                _merge(self._stats.setdefault(key, OutcomeStats()), addition)


def _merge(target: OutcomeStats, addition: OutcomeStats) -> None:
    target.jobs += addition.jobs
    target.overdue += addition.overdue
    target.wait_seconds += addition.wait_seconds
    target.run_seconds += addition.run_seconds
    target.wait_buckets = [a + b for a, b in zip(target.wait_buckets, addition.wait_buckets, strict=True)]
    target.run_buckets = [a + b for a, b in zip(target.run_buckets, addition.run_buckets, strict=True)]


def _write(connection: PgConnection, key: tuple[str, str], stats: OutcomeStats) -> None:
    plain = (*key, stats.jobs, stats.overdue, stats.wait_seconds, stats.run_seconds)
    connection.execute(TOTALS, (*plain, stats.wait_buckets, stats.run_buckets))
