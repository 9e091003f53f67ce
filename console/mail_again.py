"""Resend a logged mail: confirmed, with a reason; submitting the same form twice sends once."""

from console.actions import REASON_LIMIT
from console.answers import Goto, Page, Reply
from console.visit import Visit
from domain.errors import Conflict, Invalid
from services import mail_again, mails


def show_again(visit: Visit) -> Page:
    """Ask for confirmation, or say why the mail cannot be resent. Raises NotFound."""
    return _form(visit, None, 200)


def send_again(visit: Visit) -> Reply:
    """Create the new mail. Raises NotFound."""
    reason = visit.arrival.form.get("reason", "").strip()[:REASON_LIMIT] or None
    number = visit.arrival.form.get("number", "")
    try:
        with visit.session.begin_nested():
            posted = mail_again.send_again(
                visit.session,
                visit.jobs,
                visit.deps.programmes,
                visit.arrival.uuid("mail_id"),
                visit.actor(reason),
                int(number) if number.isdecimal() and len(number) < 10 else None,
            )
    except Invalid as error:
        return _form(visit, error.message, 422)
    except Conflict:
        return _form(visit, None, 409)
    return Goto(f"/console/mail/{posted}?done=sent-again")


def _form(visit: Visit, message: str | None, status: int) -> Page:
    logged = mails.get(visit.session, visit.arrival.uuid("mail_id"))
    resend = mail_again.standing(visit.session, visit.deps.programmes, logged.mail, visit.now)
    values = {
        "mail": logged.mail,
        "recipients": logged.recipients,
        "resend": resend,
        "message": message,
        "reason": visit.arrival.form.get("reason", ""),
    }
    refused = resend.refusal is not None
    return Page("mail_again.html", "Resend this mail?", values, "mail", 409 if refused else status)
