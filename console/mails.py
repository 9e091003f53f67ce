"""Mail log: each mail with its state and tries."""

from typing import Final
from urllib.parse import urlencode

from console.answers import TemplateResponse
from console.visit import ConsoleRequest
from models.mails import MailState
from services import mails
from store.mails import MailFilter

SHOWN: Final = 50


def show_mails(request: ConsoleRequest) -> TemplateResponse:
    """Show the log, newest first."""
    incoming = request.incoming
    states = tuple(state for state in incoming.query.getlist("state") if state in set(MailState))
    template = incoming.param("template")
    filter_ = MailFilter(template=template, states=states)
    page = mails.page(request.session, filter_, incoming.param("cursor"), SHOWN)
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
