"""Timeline of a job: segments of waiting and of attempts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from domain.jobs import FINISHED, JobState
from engine.catalogue import Catalogue
from services.jobs import JobView
from store.jobs_read import JobRecord

WIDTH = 1000
MIN_WIDTH = 6


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment from `start` to `end`; `left` and `wide` in thousandths. `kind` is also its CSS class."""

    kind: str
    says: str
    start: datetime
    end: datetime
    left: int
    wide: int

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return max(0.0, (self.end - self.start).total_seconds())


def segments(view: JobView, now: datetime) -> Sequence[Segment]:
    """Return the segments in order; the last one of an unfinished job ends now."""
    marks = _marks(view, now)
    begin, end = marks[0][2], marks[-1][3]
    whole = max((end - begin).total_seconds(), 0.001)
    result = []
    for kind, says, start, stop in marks:
        left = round(WIDTH * (start - begin).total_seconds() / whole)
        wide = round(WIDTH * (stop - start).total_seconds() / whole)
        result.append(Segment(kind, says, start, stop, min(max(left, 0), WIDTH - MIN_WIDTH), max(wide, MIN_WIDTH)))
    return result


def due_by(catalogue: Catalogue, job: JobRecord) -> tuple[float, float] | None:
    """Return (seconds the last attempt started after it was due, the task's due-by); None if it never started."""
    if job.started_at is None or job.task not in catalogue:
        return None
    lateness = (job.started_at - max(job.run_at, job.created_at)).total_seconds()
    return max(0.0, lateness), catalogue[job.task].policy.due_by.total_seconds()


def _marks(view: JobView, now: datetime) -> list[tuple[str, str, datetime, datetime]]:
    job = view.job
    attempts = [
        (attempt.outcome or "running", attempt.number, attempt.started_at or attempt.ended_at, attempt.ended_at)
        for attempt in view.attempts
    ]
    ran = [(kind, number, start, max(start, end or now)) for kind, number, start, end in attempts if start is not None]
    if not ran:
        end = job.finished_at or now
        return [
            ("wait", "waiting" if job.state not in FINISHED else "waited", job.created_at, max(job.created_at, end))
        ]
    marks = [("wait", "waited", min(job.created_at, ran[0][2]), ran[0][2])]
    for current, following in pairwise([*ran, None]):
        assert current is not None
        kind, number, start, end = current
        marks.append((kind, f"attempt {number}: {kind}", start, end))
        if following is not None:
            marks.append(("again", "waited for retry", end, max(end, following[2])))
    last = ran[-1][3]
    if job.state in {JobState.QUEUED, JobState.RETRYING, JobState.SCHEDULED}:
        marks.append(("again", "waiting for retry", last, max(last, now)))
    return marks
