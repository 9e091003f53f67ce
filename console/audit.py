"""Who did what, when, why and from where."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Final
from urllib.parse import urlencode

from console.answers import Download, Page
from console.visit import Visit
from domain.paging import bad_cursor
from domain.spreadsheets import harmless
from models.control import AuditEntry
from store import audit
from store.audit import AuditFilter

SHOWN: Final = 100
FIELDS: Final = ("actor", "action", "target")
COLUMNS: Final = ("number", "at", "who", "did", "to", "why", "from", "detail")
PAGE: Final = 1_000


def show_audit(visit: Visit) -> Page:
    """The log, newest first. Raises Invalid for a strange cursor."""
    texts = {name: visit.arrival.asked(name) for name in FIELDS}
    found = audit.page(visit.session, AuditFilter(**texts), _before(visit), SHOWN + 1)
    shown = found[:SHOWN]
    following = None
    if len(found) > SHOWN:
        kept = [(name, text) for name, text in texts.items() if text]
        following = f"/console/audit?{urlencode([*kept, ('before', str(shown[-1].seq))])}"
    asked = urlencode([(name, text) for name, text in texts.items() if text])
    values = {"entries": shown, "texts": texts, "next": following, "asked": asked}
    return Page("audit.html", "Audit", values, "audit")


def export_audit(visit: Visit) -> Download:
    """Everything that matches as CSV, newest first, a page at a time."""
    wanted = AuditFilter(**{name: visit.arrival.asked(name) for name in FIELDS})
    return Download("audit.csv", "text/csv; charset=utf-8", _lines(visit, wanted))


def _lines(visit: Visit, wanted: AuditFilter) -> Iterator[str]:
    """Each page is read in a transaction of its own: an export of any size keeps nothing open."""
    yield "\ufeff" + _line(COLUMNS)
    before: int | None = None
    while True:
        with visit.deps.sessions() as session:
            found = audit.page(session, wanted, before, PAGE)
        yield from (_line(_cells(one)) for one in found)
        if len(found) < PAGE:
            return
        before = found[-1].seq


def _cells(one: AuditEntry) -> list[str]:
    detail = json.dumps(one.detail, ensure_ascii=False, default=str)
    at = one.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [str(one.seq), at, one.actor, one.action, one.target, one.reason or "", one.origin or "", detail]


def _line(cells: Sequence[str]) -> str:
    """One row of CSV; what a spreadsheet would take for a formula is not one any more."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([harmless(cell) for cell in cells])
    return out.getvalue()


def _before(visit: Visit) -> int | None:
    text = visit.arrival.asked("before")
    if text is not None and not (text.isascii() and text.isdigit() and len(text) < 19):
        raise bad_cursor()
    return None if text is None else int(text)
