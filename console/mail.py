"""One mail: preview, and source with its tokens masked."""

from email import message_from_string
from email.message import EmailMessage
from email.policy import default
from typing import Final

from console import tenants
from console.answers import RawResponse, TemplateResponse
from console.frame import sandboxed_html
from console.visit import ConsoleRequest
from domain.errors import NotFound
from mail.catalogue import language_of
from mail.kinds import KINDS
from models.mails import Mail, MailState
from models.people import Role
from services import mail_again, mails
from store import audit

ACTS: Final = 20
LOOKS: Final = ("light", "dark", "phone")


def show_mail(request: ConsoleRequest) -> TemplateResponse:
    """Show one mail; its source only for operators. Raises NotFound."""
    logged = mails.get(request.session, request.incoming.uuid("mail_id"))
    appearance = request.incoming.param("look")
    message = _parsed(logged.mail.raw)
    resend = mail_again.standing(request.session, request.deps.programmes, logged.mail, request.now)
    values = {
        "mail": logged.mail,
        "recipients": logged.recipients,
        "account": tenants.named(request, [str(logged.mail.account_id)]).get(str(logged.mail.account_id)),
        "look": appearance if appearance in LOOKS else "light",
        "looks": LOOKS,
        "resend": resend,
        "gallery": _in_the_gallery(logged.mail),
        "acts": audit.about(request.session, f"mail:{resend.first.id}", ACTS),
        "text": _part(message, "plain"),
        "source": logged.mail.raw if request.may(Role.OPERATOR) else None,
    }
    waits = logged.mail.state == MailState.QUEUED
    return TemplateResponse("mail.html", logged.mail.subject or logged.mail.template, values, "mail", soon=waits)


def mail_frame(request: ConsoleRequest) -> RawResponse:
    """Return the mail's HTML part for a sandboxed frame. Raises NotFound."""
    html = _part(_parsed(mails.get(request.session, request.incoming.uuid("mail_id")).mail.raw), "html")
    if html is None:
        raise NotFound
    return sandboxed_html(html)


def _in_the_gallery(mail: Mail) -> str | None:
    """Return the gallery page of the same template, language and brand; None if the template no longer exists."""
    if mail.template not in KINDS:
        return None
    brand = f"?brand={mail.account_id}" if mail.account_id else ""
    return f"/console/mail/gallery/{mail.template}/{language_of(mail.locale)}{brand}"


def _parsed(raw: str | None) -> EmailMessage | None:
    return None if raw is None else message_from_string(raw, EmailMessage, policy=default)


def _part(message: EmailMessage | None, kind: str) -> str | None:
    """Return the text of one alternative part; None if there is none."""
    body = None if message is None else message.get_body((kind,))
    return None if body is None else str(body.get_content())
