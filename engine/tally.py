"""What a worker process did since it last told: counts and durations by task and outcome, never by job.

Metrics read the totals. A crash loses at most what was not told yet, which no promise rests on.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final

from psycopg import Connection

WAIT_BOUNDS: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 3600.0)
RUN_BOUNDS: Final = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 60.0)
"""Upper bounds of the histograms' buckets, in seconds; one more bucket is for what is beyond."""

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
class Sum:
    """What came of the attempts at one task that ended in one way. Seconds from due to start, from start to end."""

    jobs: int = 0
    late: int = 0
    wait_seconds: float = 0.0
    run_seconds: float = 0.0
    wait_buckets: list[int] = field(default_factory=lambda: _empty(WAIT_BOUNDS))
    run_buckets: list[int] = field(default_factory=lambda: _empty(RUN_BOUNDS))

    def add(self, waited: float, ran: float, *, late: bool) -> None:
        """One more."""
        self.jobs += 1
        self.late += late
        self.wait_seconds += waited
        self.run_seconds += ran
        self.wait_buckets[bisect_left(WAIT_BOUNDS, waited)] += 1
        self.run_buckets[bisect_left(RUN_BOUNDS, ran)] += 1


class Tally:
    """Sums of one process, added to from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sums: dict[tuple[str, str], Sum] = {}

    def add(
        self,
        task: str,
        outcome: str,
        due: datetime,
        started: datetime | None,
        ended: datetime,
        due_by: timedelta | None,
    ) -> None:
        """Count an attempt that ended; `late` is one that ended more than `due_by` after it was due."""
        begun = started or ended
        waited, ran = max(0.0, (begun - due).total_seconds()), max(0.0, (ended - begun).total_seconds())
        late = due_by is not None and ended - due > due_by
        with self._lock:
            known = self._sums.get((task, outcome))
            if known is None:
                known = self._sums[task, outcome] = Sum()
            known.add(waited, ran, late=late)

    def tell(self, connection: Connection[Any]) -> None:
        """Write down what was counted and begin anew. What cannot be written is kept. Raises psycopg errors."""
        with self._lock:
            told, self._sums = self._sums, {}
        written = False
        try:
            with connection.transaction():
                for key in sorted(told):
                    _write(connection, key, told[key])
            written = True
        finally:
            if not written:
                self._take_back(told)

    def _take_back(self, told: dict[tuple[str, str], Sum]) -> None:
        with self._lock:
            newer, self._sums = self._sums, told
            for key, more in newer.items():
                _join(self._sums.setdefault(key, Sum()), more)


def _join(into: Sum, more: Sum) -> None:
    into.jobs += more.jobs
    into.late += more.late
    into.wait_seconds += more.wait_seconds
    into.run_seconds += more.run_seconds
    into.wait_buckets = [a + b for a, b in zip(into.wait_buckets, more.wait_buckets, strict=True)]
    into.run_buckets = [a + b for a, b in zip(into.run_buckets, more.run_buckets, strict=True)]


def _write(connection: Connection[Any], key: tuple[str, str], told: Sum) -> None:
    plain = (*key, told.jobs, told.late, told.wait_seconds, told.run_seconds)
    connection.execute(TOTALS, (*plain, told.wait_buckets, told.run_buckets))
