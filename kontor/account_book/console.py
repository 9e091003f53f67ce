"""The account book of a reseller: lines with the running balance, by days, also as CSV."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from kontor.account_book import export, service
from kontor.account_book.queries import LineFilter
from kontor.accounts.console import account_from_path
from kontor.kernel.paging import CSV_MEDIA
from kontor.kernel.zones import day_of_field, local_day
from kontor.programme.model import Programme
from kontor.ui.console_request import ConsoleRequest, StreamedFile, TemplateResponse
from models.accounts import Account

SHOWN: Final = 100


def show_account_book(request: ConsoleRequest) -> TemplateResponse:
    """Show a reseller's lines by (`at`, number), each with the balance after it. Raises NotFound, Invalid."""
    account, programme, filters = _asked(request)
    page = service.page(request.session, account.id, filters, request.incoming.param("cursor"), SHOWN)
    available = service.available(request.session, account.id, programme)
    days = {name: request.incoming.param(name) or "" for name in ("from", "to")}
    query = urlencode({name: day for name, day in days.items() if day})
    path = f"/console/resellers/{account.id}/account-book"
    values = {
        "account": account,
        "lines": [(local_day(each.line.at, programme.zone), each.line, each.balance) for each in page.lines],
        "balance": page.balance,
        "available": None if available is None else available.amount,
        "currency": programme.currency,
        "zone": programme.timezone,
        "days": days,
        "path": path,
        "csv": f"{path}.csv?{query}" if query else f"{path}.csv",
        "next": f"{path}?{urlencode({**days, 'cursor': page.next})}" if page.next else None,
    }
    return TemplateResponse("account_book.html", f"Account book of {account.name}", values, "accounts")


def export_account_book(request: ConsoleRequest) -> StreamedFile:
    """Export the lines as CSV, as the page shows them. Raises NotFound, Invalid."""
    account, programme, filters = _asked(request)
    lines = export.csv_lines(request.deps.sessions, account.id, programme, filters)
    return StreamedFile(export.FILE, CSV_MEDIA, lines)


def _asked(request: ConsoleRequest) -> tuple[Account, Programme, LineFilter]:
    account = account_from_path(request, "reseller_id")
    programme = request.context.programme(request.session, account.programme)
    first, last = (day_of_field(request.incoming.param(name), name) for name in ("from", "to"))
    return account, programme, service.filter_by_days(programme, first, last)
