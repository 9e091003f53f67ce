"""Mail log: each mail with its state and tries."""

from typing import Final
from urllib.parse import urlencode

from console.answers import Page
from console.visit import Visit
from models.mails import MailState
from services import mails
from store.mails import MailFilter

SHOWN: Final = 50


def show_mails(visit: Visit) -> Page:
    """Show the log, newest first."""
    arrival = visit.arrival
    states = tuple(state for state in arrival.query.getlist("state") if state in set(MailState))
    template = arrival.param("template")
    filter_ = MailFilter(template=template, states=states)
    page = mails.page(visit.session, filter_, arrival.param("cursor"), SHOWN)
    kept = [(name, text) for name, text in arrival.query.multi_items() if name != "cursor"]
    values = {
        "mails": page.items,
        "next": None if page.next is None else f"/console/mail?{urlencode([*kept, ('cursor', page.next)])}",
        "states": list(MailState),
        "chosen": states,
        "template": template or "",
    }
    return Page("mails.html", "Mail", values, "mail", live=("_mails",) if arrival.param("cursor") is None else ())
