"""Edit a job's args and run it again as a new job."""

from console import texts
from console.actions import REASON_LIMIT
from console.answers import Goto, Page, Reply
from console.job import job_from_path
from console.visit import Visit
from console.words import document
from domain.errors import Invalid
from services import job_again

ARGS_MAX_CHARS = 100_000


def show_again(visit: Visit) -> Page:
    """Show the form. Raises NotFound."""
    return _form(visit, document(job_from_path(visit).args), None, 200)


def run_again(visit: Visit) -> Reply:
    """Enqueue the new job. Raises NotFound."""
    view = job_from_path(visit)
    text = visit.arrival.form.get("args", "")[:ARGS_MAX_CHARS]
    reason = visit.arrival.form.get("reason", "").strip()[:REASON_LIMIT]
    if not reason:
        return _form(visit, text, texts.REASON_REQUIRED, 422)
    try:
        with visit.session.begin_nested():
            args = job_again.parsed(text)
            job_id = job_again.run_again(visit.session, visit.jobs, view, args, visit.actor(reason))
    except Invalid as error:
        fields = "; ".join(f"{field.loc}: {field.msg}" for field in error.errors)
        return _form(visit, text, fields or error.message, 422)
    return Goto(f"/console/jobs/{job_id}?done=again")


def _form(visit: Visit, text: str, message: str | None, status: int) -> Page:
    job = job_from_path(visit).job
    values = {"job": job, "text": text, "message": message, "reason": visit.arrival.form.get("reason", "")}
    return Page("again.html", f"Run {job.task} again", values, "jobs", status)
