"""A job's life as a line: where it waited, ran, failed and waited for the next try."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from domain.jobs import FINISHED, JobState
from engine.catalogue import Catalogue
from services.jobs import JobView
from store.jobs_read import JobRecord

WIDTH = 1000
LEAST = 6


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of the line from `start` to `end`; `left` and `wide` in thousandths. `kind` is also its class."""

    kind: str
    says: str
    start: datetime
    end: datetime
    left: int
    wide: int

    @property
    def seconds(self) -> float:
        """How long it took."""
        return max(0.0, (self.end - self.start).total_seconds())


def line_of(view: JobView, now: datetime) -> Sequence[Stretch]:
    """Every stretch in order; the last one of an unfinished job ends now."""
    marks = _marks(view, now)
    begin, end = marks[0][2], marks[-1][3]
    whole = max((end - begin).total_seconds(), 0.001)
    found = []
    for kind, says, start, stop in marks:
        left = round(WIDTH * (start - begin).total_seconds() / whole)
        wide = round(WIDTH * (stop - start).total_seconds() / whole)
        found.append(Stretch(kind, says, start, stop, min(max(left, 0), WIDTH - LEAST), max(wide, LEAST)))
    return found


def due_by(catalogue: Catalogue, job: JobRecord) -> tuple[float, float] | None:
    """(seconds the last attempt started after it was due, the task's due-by); None when it never started."""
    if job.started_at is None or job.task not in catalogue:
        return None
    late = (job.started_at - max(job.run_at, job.created_at)).total_seconds()
    return max(0.0, late), catalogue[job.task].policy.due_by.total_seconds()


def _marks(view: JobView, now: datetime) -> list[tuple[str, str, datetime, datetime]]:
    job = view.job
    tries = [
        (one.outcome or "running", one.number, one.started_at or one.ended_at, one.ended_at) for one in view.attempts
    ]
    ran = [(kind, number, start, max(start, end or now)) for kind, number, start, end in tries if start is not None]
    if not ran:
        end = job.finished_at or now
        return [("wait", "waits" if job.state not in FINISHED else "waited", job.created_at, max(job.created_at, end))]
    marks = [("wait", "waited", min(job.created_at, ran[0][2]), ran[0][2])]
    for one, following in pairwise([*ran, None]):
        assert one is not None
        kind, number, start, end = one
        marks.append((kind, f"attempt {number}: {kind}", start, end))
        if following is not None:
            marks.append(("again", "waited for the next try", end, max(end, following[2])))
    last = ran[-1][3]
    if job.state in {JobState.QUEUED, JobState.RETRYING, JobState.SCHEDULED}:
        marks.append(("again", "waits for the next try", last, max(last, now)))
    return marks
