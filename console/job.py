"""One job: its time line, its error, its payload, and what may be done to it."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from console import tenants, timeline
from console.answers import Page
from console.visit import Visit
from domain.errors import NotFound
from domain.jobs import FINISHED, JobState
from engine.driver import driver
from models.control import Lane
from services import jobs
from services.jobs import JobView
from services.mails import SEND
from store import audit, console_jobs, jobs_read
from store.console_jobs import Child
from store.jobs_read import JobRecord

SCHEDULED: Final = "schedule:"
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
    job, connection = view.job, driver(visit.session)
    children = console_jobs.children(connection, job.id)
    values = {
        "job": job,
        "args": view.args,
        "attempts": view.attempts,
        "refusal": refusal(visit, view),
        "cancellable": job.state in CANCELLABLE,
        "name": tenants.named(visit, [job.tenant]).get(job.tenant),
        "known": job.task in visit.deps.jobs.catalogue,
        "lane": lane_of(visit, job),
        "letters": console_jobs.letters(connection, mail_ids(view, children)),
        "steps": console_jobs.offer_steps(connection, job.id),
        "ancestors": console_jobs.ancestors(connection, job.parent_id),
        "children": children,
        "most": console_jobs.CHILDREN_MOST,
        "slot": slot_of(console_jobs.key_of(connection, job.id)),
        "acts": audit.about(visit.session, f"job:{job.id}", 20),
        "line": timeline.line_of(view, visit.now),
        "waits": timeline.due_by(visit.deps.jobs.catalogue, job),
    }
    moving = job.state not in FINISHED
    return Page("job.html", f"{job.task}", values, "jobs", live=("_job",) if moving else ())


def mail_ids(view: JobView, children: Sequence[Child]) -> list[UUID]:
    """The mails a job sends itself, or left to jobs of their own."""
    named = [view.args.get("mail_id") if view.job.task == SEND else None]
    named += [child.mail_id if child.task == SEND else None for child in children]
    return [UUID(str(one)) for one in named if one]


def lane_of(visit: Visit, job: JobRecord) -> Lane | None:
    """The lane that holds the job's calls in line."""
    return visit.session.get(Lane, job.lane) if job.lane else None


def slot_of(once_key: str | None) -> tuple[str, str] | None:
    """(schedule, local slot) of the occurrence that a job stands for."""
    if once_key is None or not once_key.startswith(SCHEDULED):
        return None
    name, _, slot = once_key.removeprefix(SCHEDULED).partition(":")
    return name, slot


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
