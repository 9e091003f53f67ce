"""One job: timeline, error, payload and possible actions."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from console import tenants, texts, timeline
from console.answers import TemplateResponse
from console.visit import ConsoleRequest
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


class Refusal(NamedTuple):
    """Why a job cannot be retried, and the job that blocks it, if any."""

    words: str
    rival: UUID | None = None


def show_job(request: ConsoleRequest) -> TemplateResponse:
    """Show one job. Raises NotFound."""
    view = job_from_path(request)
    job, connection = view.job, driver(request.session)
    children = console_jobs.children(connection, job.id)
    values = {
        "job": job,
        "args": view.args,
        "attempts": view.attempts,
        "refusal": refusal(request, view),
        "cancellable": job.state in CANCELLABLE,
        "name": tenants.named(request, [job.tenant]).get(job.tenant),
        "task_exists": job.task in request.deps.jobs.catalogue,
        "lane": lane_row(request, job),
        "mails": console_jobs.letters(connection, mail_ids(view, children)),
        "steps": console_jobs.offer_steps(connection, job.id),
        "ancestors": console_jobs.ancestors(connection, job.parent_id),
        "children": children,
        "most": console_jobs.CHILDREN_MOST,
        "slot": schedule_slot(console_jobs.key_of(connection, job.id)),
        "acts": audit.about(request.session, f"job:{job.id}", 20),
        "line": timeline.segments(view, request.now),
        "waits": timeline.due_by(request.deps.jobs.catalogue, job),
    }
    moving = job.state not in FINISHED
    return TemplateResponse("job.html", f"{job.task}", values, "jobs", live=("_job",) if moving else ())


def mail_ids(view: JobView, children: Sequence[Child]) -> list[UUID]:
    """Return the mails sent by the job or by its child jobs."""
    ids = [view.args.get("mail_id") if view.job.task == SEND else None]
    ids += [child.mail_id if child.task == SEND else None for child in children]
    return [UUID(str(mail_id)) for mail_id in ids if mail_id]


def lane_row(request: ConsoleRequest, job: JobRecord) -> Lane | None:
    """Return the lane of the job, if any."""
    return request.session.get(Lane, job.lane) if job.lane else None


def schedule_slot(once_key: str | None) -> tuple[str, str] | None:
    """Return (schedule, local slot) of the occurrence that a job executes."""
    if once_key is None or not once_key.startswith(SCHEDULED):
        return None
    name, _, slot = once_key.removeprefix(SCHEDULED).partition(":")
    return name, slot


def job_from_path(request: ConsoleRequest) -> JobView:
    """Return the job named by the path. Raises NotFound."""
    view = jobs.view(request.session, request.deps.jobs.catalogue, request.incoming.uuid("job_id"))
    if view is None:
        raise NotFound
    return view


def refusal(request: ConsoleRequest, view: JobView) -> Refusal | None:
    """Return why the job cannot be retried; None if it can."""
    job = view.job
    if job.state not in RETRYABLE:
        return Refusal(texts.NOT_RETRYABLE[JobState(job.state)])
    if job.task not in request.deps.jobs.catalogue:
        return Refusal(texts.UNKNOWN_TASK)
    other = jobs_read.rival(driver(request.session), job)
    if other is not None:
        return Refusal(texts.UNIQUE_KEY_TAKEN, other)
    return None
