"""Edit a job's args and run it again as a new job."""

from console import texts
from console.actions import REASON_LIMIT
from console.answers import ConsoleResponse, Redirect, TemplateResponse
from console.job import job_from_path
from console.visit import ConsoleRequest
from console.words import document
from domain.errors import Invalid
from services import job_again

ARGS_MAX_CHARS = 100_000


def show_again(request: ConsoleRequest) -> TemplateResponse:
    """Show the form. Raises NotFound."""
    return _form(request, document(job_from_path(request).args), None, 200)


def run_again(request: ConsoleRequest) -> ConsoleResponse:
    """Enqueue the new job. Raises NotFound."""
    view = job_from_path(request)
    text = request.incoming.form.get("args", "")[:ARGS_MAX_CHARS]
    reason = request.incoming.form.get("reason", "").strip()[:REASON_LIMIT]
    if not reason:
        return _form(request, text, texts.REASON_REQUIRED, 422)
    try:
        with request.session.begin_nested():
            args = job_again.parsed(text)
            job_id = job_again.run_again(request.session, request.jobs, view, args, request.actor(reason))
    except Invalid as error:
        fields = "; ".join(f"{field.loc}: {field.msg}" for field in error.errors)
        return _form(request, text, fields or error.message, 422)
    return Redirect(f"/console/jobs/{job_id}?done=again")


def _form(request: ConsoleRequest, text: str, message: str | None, status: int) -> TemplateResponse:
    job = job_from_path(request).job
    values = {"job": job, "text": text, "message": message, "reason": request.incoming.form.get("reason", "")}
    return TemplateResponse("again.html", f"Run {job.task} again", values, "jobs", status)
