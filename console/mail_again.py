"""Resend a logged mail: confirmed, with a reason; submitting the same form twice sends once."""

from console.actions import REASON_LIMIT
from console.answers import ConsoleResponse, Redirect, TemplateResponse
from console.visit import ConsoleRequest
from domain.errors import Conflict, Invalid
from services import mail_again, mails


def show_again(request: ConsoleRequest) -> TemplateResponse:
    """Ask for confirmation, or say why the mail cannot be resent. Raises NotFound."""
    return _form(request, None, 200)


def send_again(request: ConsoleRequest) -> ConsoleResponse:
    """Create the new mail. Raises NotFound."""
    reason = request.incoming.form.get("reason", "").strip()[:REASON_LIMIT] or None
    number = request.incoming.form.get("number", "")
    try:
        with request.session.begin_nested():
            posted = mail_again.send_again(
                request.session,
                request.jobs,
                request.deps.programmes,
                request.incoming.uuid("mail_id"),
                request.actor(reason),
                int(number) if number.isdecimal() and len(number) < 10 else None,
            )
    except Invalid as error:
        return _form(request, error.message, 422)
    except Conflict:
        return _form(request, None, 409)
    return Redirect(f"/console/mail/{posted}?done=sent-again")


def _form(request: ConsoleRequest, message: str | None, status: int) -> TemplateResponse:
    logged = mails.get(request.session, request.incoming.uuid("mail_id"))
    resend = mail_again.standing(request.session, request.deps.programmes, logged.mail, request.now)
    values = {
        "mail": logged.mail,
        "recipients": logged.recipients,
        "resend": resend,
        "message": message,
        "reason": request.incoming.form.get("reason", ""),
    }
    refused = resend.refusal is not None
    return TemplateResponse("mail_again.html", "Resend this mail?", values, "mail", 409 if refused else status)
