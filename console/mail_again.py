"""Send a mail of the log again: asked first, with a reason; the same form sent twice sends once."""

from console.actions import REASON_LIMIT
from console.answers import Goto, Page, Reply
from console.visit import Visit
from domain.errors import Conflict, Invalid
from services import mail_again, mails


def show_again(visit: Visit) -> Page:
    """The question, or why it cannot be. Raises NotFound."""
    return _form(visit, None, 200)


def send_again(visit: Visit) -> Reply:
    """Post the mail once more. Raises NotFound."""
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
    except Invalid as wrong:
        return _form(visit, wrong.message, 422)
    except Conflict:
        return _form(visit, None, 409)
    return Goto(f"/console/mail/{posted}?done=sent-again")


def _form(visit: Visit, message: str | None, status: int) -> Page:
    logged = mails.get(visit.session, visit.arrival.uuid("mail_id"))
    standing = mail_again.standing(visit.session, visit.deps.programmes, logged.mail, visit.now)
    values = {
        "mail": logged.mail,
        "recipients": logged.recipients,
        "standing": standing,
        "message": message,
        "reason": visit.arrival.form.get("reason", ""),
    }
    refused = standing.refusal is not None
    return Page("mail_again.html", "Send this mail again?", values, "mail", 409 if refused else status)
