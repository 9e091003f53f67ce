"""One job: timeline, error, payload, and the actions on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final, NamedTuple
from uuid import UUID

from kontor import audit
from kontor.engine.admin import job_details, job_queries
from kontor.engine.admin.job_details import RelatedJob
from kontor.engine.admin.job_queries import JobRecord
from kontor.engine.catalogue import Catalogue
from kontor.jobs import service as jobs
from kontor.jobs.service import JobView
from kontor.kernel.database import psycopg_connection
from kontor.kernel.errors import Invalid, NotFound
from kontor.kernel.states import FINISHED, JobState
from kontor.mails.payloads import SEND
from kontor.ui import formatting, texts
from kontor.ui.console_request import REASON_LIMIT, ConsoleRequest, ConsoleResponse, Redirect, TemplateResponse
from kontor.ui.formatting import document
from models.control import Lane

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
    job, connection = view.job, psycopg_connection(request.session)
    children = job_details.children(connection, job.id)
    values = {
        "job": job,
        "args": view.args,
        "attempts": view.attempts,
        "refusal": refusal(request, view),
        "cancellable": job.state in CANCELLABLE,
        "name": formatting.named(request, [job.tenant]).get(job.tenant),
        "editable": is_editable(request.deps.jobs.catalogue, job),
        "lane": lane_row(request, job),
        "mails": job_details.mail_rows(connection, mail_ids(view, children)),
        "steps": job_details.offer_transitions(connection, job.id),
        "ancestors": job_details.ancestors(connection, job.parent_id),
        "children": children,
        "most": job_details.MAX_CHILDREN,
        "slot": schedule_slot(job_details.once_key_of(connection, job.id)),
        "acts": audit.about(request.session, f"job:{job.id}", 20),
        "line": segments(view, request.now),
        "waits": due_by(request.deps.jobs.catalogue, job),
    }
    moving = job.state not in FINISHED
    return TemplateResponse("job.html", f"{job.task}", values, "jobs", live=("_job",) if moving else ())


def mail_ids(view: JobView, children: Sequence[RelatedJob]) -> list[UUID]:
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
    other = job_queries.unique_key_holder(psycopg_connection(request.session), job)
    if other is not None:
        return Refusal(texts.UNIQUE_KEY_TAKEN, other)
    return None


def is_editable(catalogue: Catalogue, job: JobRecord) -> bool:
    """Whether the job may be run again with other args: not an unknown task, nor one of Kontor's own."""
    return job.task in catalogue and not catalogue[job.task].policy.internal


ARGS_MAX_CHARS = 100_000


def show_again(request: ConsoleRequest) -> TemplateResponse:
    """Show the form. Raises NotFound, Forbidden(`task_internal`)."""
    view = job_from_path(request)
    jobs.require_not_internal(request.deps.jobs.catalogue, view.job.task)
    return _form(request, document(view.args), None, 200)


def run_again(request: ConsoleRequest) -> ConsoleResponse:
    """Enqueue the new job. Raises NotFound, Forbidden(`task_internal`)."""
    view = job_from_path(request)
    text = request.incoming.form.get("args", "")[:ARGS_MAX_CHARS]
    reason = request.incoming.form.get("reason", "").strip()[:REASON_LIMIT]
    if not reason:
        return _form(request, text, texts.REASON_REQUIRED, 422)
    try:
        with request.session.begin_nested():
            args = jobs.parse_args(text)
            job_id = jobs.rerun(request.session, request.jobs, view, args, request.actor(reason))
    except Invalid as error:
        fields = "; ".join(f"{field.loc}: {field.msg}" for field in error.errors)
        return _form(request, text, fields or error.message, 422)
    return Redirect(f"/console/jobs/{job_id}?done=again")


def _form(request: ConsoleRequest, text: str, message: str | None, status: int) -> TemplateResponse:
    job = job_from_path(request).job
    values = {"job": job, "text": text, "message": message, "reason": request.incoming.form.get("reason", "")}
    return TemplateResponse("again.html", f"Run {job.task} again", values, "jobs", status)


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
