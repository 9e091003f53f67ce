"""Who did what, when, why and from where."""

from typing import Final
from urllib.parse import urlencode

from console.answers import Page
from console.visit import Visit
from domain.paging import bad_cursor
from store import audit
from store.audit import AuditFilter

SHOWN: Final = 100
FIELDS: Final = ("actor", "action", "target")


def show_audit(visit: Visit) -> Page:
    """The log, newest first. Raises Invalid for a strange cursor."""
    texts = {name: visit.arrival.asked(name) for name in FIELDS}
    found = audit.page(visit.session, AuditFilter(**texts), _before(visit), SHOWN + 1)
    shown = found[:SHOWN]
    following = None
    if len(found) > SHOWN:
        kept = [(name, text) for name, text in texts.items() if text]
        following = f"/console/audit?{urlencode([*kept, ('before', str(shown[-1].seq))])}"
    return Page("audit.html", "Audit", {"entries": shown, "texts": texts, "next": following}, "audit")


def _before(visit: Visit) -> int | None:
    text = visit.arrival.asked("before")
    if text is not None and not (text.isascii() and text.isdigit() and len(text) < 19):
        raise bad_cursor()
    return None if text is None else int(text)
