"""Console pages of the mail log: the list, one mail, resending."""

from base64 import b64encode
from email import message_from_string
from email.message import EmailMessage
from email.policy import default
from hashlib import sha256
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urlencode

from kontor import audit
from kontor.kernel.errors import Conflict, Invalid, NotFound
from kontor.mailer.formatting import language_of
from kontor.mailer.registry import MAIL_KINDS
from kontor.mails import resend as mails_resend
from kontor.mails import service
from kontor.mails.queries import MailFilter
from kontor.ui import formatting
from kontor.ui.console_request import (
    REASON_LIMIT,
    ConsoleRequest,
    ConsoleResponse,
    RawResponse,
    Redirect,
    TemplateResponse,
)
from models.mails import Mail, MailState
from models.people import OperatorRole

ACTS: Final = 20
LOOKS: Final = ("light", "dark", "phone")


def show_mail(request: ConsoleRequest) -> TemplateResponse:
    """Show one mail; its source only for operators. Raises NotFound."""
    logged = service.get(request.session, request.incoming.uuid("mail_id"))
    appearance = request.incoming.param("look")
    message = _parsed(logged.mail.raw)
    resend = mails_resend.resend_status(request.session, request.deps.programmes, logged.mail, request.now)
    values = {
        "mail": logged.mail,
        "recipients": logged.recipients,
        "account": formatting.named(request, [str(logged.mail.account_id)]).get(str(logged.mail.account_id)),
        "look": appearance if appearance in LOOKS else "light",
        "looks": LOOKS,
        "resend": resend,
        "gallery": _in_the_gallery(logged.mail),
        "acts": audit.about(request.session, f"mail:{resend.first.id}", ACTS, "mail.again"),
        "text": _part(message, "plain"),
        "source": logged.mail.raw if request.may(OperatorRole.OPERATOR) else None,
    }
    waits = logged.mail.state == MailState.QUEUED
    return TemplateResponse("mail.html", logged.mail.subject or logged.mail.template, values, "mail", soon=waits)


def mail_frame(request: ConsoleRequest) -> RawResponse:
    """Return the mail's HTML part for a sandboxed frame. Raises NotFound."""
    html = _part(_parsed(service.get(request.session, request.incoming.uuid("mail_id")).mail.raw), "html")
    if html is None:
        raise NotFound
    return sandboxed_html(html)


def _in_the_gallery(mail: Mail) -> str | None:
    """Return the gallery page of the same template, language and brand; None if the template no longer exists."""
    if mail.template not in MAIL_KINDS:
        return None
    brand = f"?brand={mail.account_id}" if mail.account_id else ""
    return f"/console/mail/gallery/{mail.template}/{language_of(mail.locale)}{brand}"


def _parsed(raw: str | None) -> EmailMessage | None:
    return None if raw is None else message_from_string(raw, EmailMessage, policy=default)


def _part(message: EmailMessage | None, kind: str) -> str | None:
    """Return the text of one alternative part; None if there is none."""
    body = None if message is None else message.get_body((kind,))
    return None if body is None else str(body.get_content())


SHOWN: Final = 50


def show_mails(request: ConsoleRequest) -> TemplateResponse:
    """Show the log, newest first."""
    incoming = request.incoming
    states = tuple(state for state in incoming.query.getlist("state") if state in set(MailState))
    template = incoming.param("template")
    filter_ = MailFilter(template=template, states=states)
    page = service.page(request.session, filter_, incoming.param("cursor"), SHOWN)
    kept = [(name, text) for name, text in incoming.query.multi_items() if name != "cursor"]
    values = {
        "mails": page.items,
        "next": None if page.next is None else f"/console/mail?{urlencode([*kept, ('cursor', page.next)])}",
        "states": list(MailState),
        "chosen": states,
        "template": template or "",
    }
    return TemplateResponse(
        "mails.html", "Mail", values, "mail", live=("_mails",) if incoming.param("cursor") is None else ()
    )


def show_again(request: ConsoleRequest) -> TemplateResponse:
    """Ask for confirmation, or say why the mail cannot be resent. Raises NotFound."""
    return _form(request, None, 200)


def send_again(request: ConsoleRequest) -> ConsoleResponse:
    """Create the new mail. Raises NotFound."""
    reason = request.incoming.form.get("reason", "").strip()[:REASON_LIMIT] or None
    number = request.incoming.form.get("number", "")
    try:
        with request.session.begin_nested():
            posted = mails_resend.resend(
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
    logged = service.get(request.session, request.incoming.uuid("mail_id"))
    resend = mails_resend.resend_status(request.session, request.deps.programmes, logged.mail, request.now)
    values = {
        "mail": logged.mail,
        "recipients": logged.recipients,
        "resend": resend,
        "message": message,
        "reason": request.incoming.form.get("reason", ""),
    }
    refused = resend.refusal is not None
    return TemplateResponse("mail_again.html", "Resend this mail?", values, "mail", 409 if refused else status)


class StyleParser(HTMLParser):
    """Collects the contents of a document's style attributes and style elements."""

    def __init__(self) -> None:
        super().__init__()
        self.styles: set[str] = set()
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the style attribute of an element."""
        self.styles.update(value for name, value in attrs if name == "style" and value)
        self._inside = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        """Leave a style element."""
        self._inside = False

    def handle_data(self, data: str) -> None:
        """Collect the text of a style element."""
        if self._inside:
            self.styles.add(data)


def sandboxed_html(html: str) -> RawResponse:
    """Return the HTML with a policy that allows its own styles by hash and no images of other hosts."""
    text, policy = sandboxed(html)
    return RawResponse(text, "text/html", {"Content-Security-Policy": policy, "X-Frame-Options": "SAMEORIGIN"})


def sandboxed(html: str, images: str = "") -> tuple[str, str]:
    """Return the HTML and a policy that allows its own styles by hash. `images`: an origin whose images are shown."""
    text = html.replace("\r\n", "\n").replace("\r", "\n")
    parser = StyleParser()
    parser.feed(text)
    parser.close()
    allowed = " ".join(sorted(f"'sha256-{_hash(style)}'" for style in parser.styles)) or "'none'"
    policy = (
        f"default-src 'none'; style-src 'unsafe-hashes' {allowed}; img-src data: {images}; sandbox;"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
    return text, policy


def _hash(style: str) -> str:
    return b64encode(sha256(style.encode()).digest()).decode()
