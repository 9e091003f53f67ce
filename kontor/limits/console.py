"""Settings: each limit, its use and its overrides."""

from uuid import UUID

from kontor.kernel.errors import Invalid, NotFound
from kontor.kernel.limits import Beyond
from kontor.limits import service
from kontor.limits.schemas import limit_out
from kontor.mails.payloads import MailsRelease
from kontor.ui import formatting
from kontor.ui.console_request import REASON_LIMIT, ConsoleRequest, TemplateResponse


def show_limits(request: ConsoleRequest) -> TemplateResponse:
    """Show every limit."""
    return _page(request)


def set_limit(request: ConsoleRequest) -> TemplateResponse:
    """Set a limit for all, or for the reseller or key of an id; an empty value restores the default."""
    form = request.incoming.form
    reason = form.get("reason", "").strip()[:REASON_LIMIT] or None
    try:
        value, subject = _number(form.get("value", "").strip()), _subject(form.get("subject", "").strip())
        with request.session.begin_nested():
            view = service.set_limit(
                request.session, form.get("name", ""), value, request.actor(reason), request.now, subject
            )
            if view.limit.beyond is Beyond.HELD:
                request.jobs.enqueue(request.session, MailsRelease())
    except (Invalid, NotFound) as error:
        return _page(request, message=error.message, status=422)
    return _page(request, done=True)


def _page(
    request: ConsoleRequest, message: str | None = None, *, done: bool = False, status: int = 200
) -> TemplateResponse:
    limits = [limit_out(view) for view in service.list_limits(request.session, request.now)]
    ids = [each.subject for limit in limits for each in limit.overrides if each.subject]
    ids += [limit.busiest.subject for limit in limits if limit.busiest]
    values = {
        "limits": limits,
        "names": formatting.named(request, ids),
        "message": message,
        "done": done,
        "form": request.incoming.form,
    }
    return TemplateResponse("limits.html", "Limits", values, "people", status)


def _number(text: str) -> int | None:
    if text and not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise Invalid(message="Enter a whole number, or leave the value empty for the default.")
    return int(text) if text else None


def _subject(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Invalid(message=f"{text} is not the id of a reseller or key.") from None
