"""Audit log: search and CSV export."""

import json
from collections.abc import Sequence
from datetime import UTC
from typing import Final
from urllib.parse import urlencode

from kontor import audit
from kontor.audit import AuditFilter
from kontor.kernel.paging import CSV_MEDIA, Page, csv_of_pages
from kontor.kernel.serialization import escape_formula
from kontor.ui.console_request import ConsoleRequest, StreamedFile, TemplateResponse
from models.control import AuditEntry

SHOWN: Final = 100
FIELDS: Final = ("actor", "action", "target")
COLUMNS: Final = ("number", "at", "who", "did", "to", "why", "from", "detail")
PAGE: Final = 1_000


def show_audit(request: ConsoleRequest) -> TemplateResponse:
    """Show the log, newest first. Raises Invalid for a malformed cursor."""
    texts = {name: request.incoming.param(name) for name in FIELDS}
    page = audit.page(request.session, AuditFilter(**texts), request.incoming.param("before"), SHOWN)
    following = None
    if page.next is not None:
        kept = [(name, text) for name, text in texts.items() if text]
        following = f"/console/audit?{urlencode([*kept, ('before', page.next)])}"
    filter_query = urlencode([(name, text) for name, text in texts.items() if text])
    values = {"entries": page.items, "texts": texts, "next": following, "filter_query": filter_query}
    return TemplateResponse("audit.html", "Audit", values, "audit")


def export_audit(request: ConsoleRequest) -> StreamedFile:
    """Export every matching entry as CSV, newest first."""
    filter_ = AuditFilter(**{name: request.incoming.param(name) for name in FIELDS})

    def read(cursor: str | None) -> Page[Sequence[str]]:
        with request.deps.sessions() as session:
            page = audit.page(session, filter_, cursor, PAGE)
        return Page(tuple([escape_formula(cell) for cell in _cells(entry)] for entry in page.items), page.next)

    return StreamedFile("audit.csv", CSV_MEDIA, csv_of_pages(COLUMNS, read))


def _cells(entry: AuditEntry) -> list[str]:
    detail = json.dumps(entry.detail, ensure_ascii=False, default=str)
    at = entry.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [str(entry.seq), at, entry.actor, entry.action, entry.target, entry.reason or "", entry.origin or "", detail]
