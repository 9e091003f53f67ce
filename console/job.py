"""One job: its time line, its error, its payload, and what may be done to it."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from console.answers import Page
from console.visit import Visit
from domain.errors import NotFound
from domain.jobs import JobState
from engine.driver import driver
from services import jobs
from services.jobs import JobView
from services.mails import SEND
from store import audit, jobs_read

RETRYABLE: Final = frozenset({JobState.DEAD, JobState.RETRYING, JobState.CANCELLED})
CANCELLABLE: Final = frozenset(set(JobState) - {JobState.SUCCEEDED, JobState.CANCELLED})
WHY_NOT: Final = {
    JobState.SCHEDULED: "It waits for its time and was not tried yet.",
    JobState.QUEUED: "It is queued already and runs as soon as a worker is free and its lane lets it.",
    JobState.RUNNING: "It runs right now. Cancel it first, or wait for its end.",
    JobState.SUCCEEDED: "It succeeded. What it did would be done twice.",
}


class Refusal(NamedTuple):
    """Why a retry would be refused, and the job that is in the way."""

    words: str
    rival: UUID | None = None


def show_job(visit: Visit) -> Page:
    """Everything about one job. Raises NotFound."""
    view = found_job(visit)
    job = view.job
    values = {
        "job": job,
        "args": view.args,
        "attempts": view.attempts,
        "refusal": refusal(visit, view),
        "cancellable": job.state in CANCELLABLE,
        "mail": view.args.get("mail_id") if job.task == SEND else None,
        "acts": audit.about(visit.session, f"job:{job.id}", 20),
        "scale": _scale(view),
    }
    return Page("job.html", f"{job.task}", values, "jobs")


def found_job(visit: Visit) -> JobView:
    """The job that the path names. Raises NotFound."""
    view = jobs.view(visit.session, visit.deps.jobs.catalogue, visit.arrival.uuid("job_id"))
    if view is None:
        raise NotFound
    return view


def refusal(visit: Visit, view: JobView) -> Refusal | None:
    """Why this job cannot be tried again, None when it can."""
    job = view.job
    if job.state not in RETRYABLE:
        return Refusal(WHY_NOT[JobState(job.state)])
    if job.task not in visit.deps.jobs.catalogue:
        return Refusal("This release has no such task any more.")
    other = jobs_read.rival(driver(visit.session), job)
    if other is not None:
        return Refusal("Another unfinished job has this job's unique key; wait for it or cancel it:", other)
    return None


def _scale(view: JobView) -> Sequence[tuple[int, int]]:
    """Where each attempt starts on the time line and how long it is, in thousandths of the whole."""
    spans = [(one.started_at or one.ended_at, one.ended_at) for one in view.attempts]
    known = [(start, end or start) for start, end in spans if start is not None]
    if not known:
        return []
    begin = min(view.job.created_at, known[0][0])
    whole = max((known[-1][1] - begin).total_seconds(), 0.001)
    places = []
    for start, end in known:
        left = round(1000 * (start - begin).total_seconds() / whole)
        wide = round(1000 * (end - start).total_seconds() / whole)
        places.append((min(max(left, 0), 992), max(wide, 8)))
    return places
