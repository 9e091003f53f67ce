"""Edit a job's args and run it again as a new job."""

from console.actions import REASON_LIMIT
from console.answers import Goto, Page, Reply
from console.job import found_job
from console.visit import Visit
from console.words import document
from domain.errors import Invalid
from services import job_again

ARGS_MOST = 100_000


def show_again(visit: Visit) -> Page:
    """The form. Raises NotFound."""
    return _form(visit, document(found_job(visit).args), None, 200)


def run_again(visit: Visit) -> Reply:
    """Put the new job. Raises NotFound."""
    view = found_job(visit)
    text = visit.arrival.form.get("args", "")[:ARGS_MOST]
    reason = visit.arrival.form.get("reason", "").strip()[:REASON_LIMIT]
    if not reason:
        return _form(visit, text, "Say why: the reason is kept in the audit log.", 422)
    try:
        with visit.session.begin_nested():
            args = job_again.parsed(text)
            job_id = job_again.run_again(visit.session, visit.jobs, view, args, visit.actor(reason))
    except Invalid as refused:
        fields = "; ".join(f"{one.loc}: {one.msg}" for one in refused.errors)
        return _form(visit, text, fields or refused.message, 422)
    return Goto(f"/console/jobs/{job_id}?done=again")


def _form(visit: Visit, text: str, message: str | None, status: int) -> Page:
    job = found_job(visit).job
    values = {"job": job, "text": text, "message": message, "reason": visit.arrival.form.get("reason", "")}
    return Page("again.html", f"Run {job.task} again", values, "jobs", status)
