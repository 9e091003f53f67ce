"""The account book of a reseller: lines with the running balance, by days, also as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, date
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from kontor.account_book import service
from kontor.account_book.queries import LineFilter
from kontor.account_book.service import BalancedLine
from kontor.accounts.console import account_from_path
from kontor.kernel.errors import Invalid
from kontor.kernel.money import Money
from kontor.kernel.serialization import escape_formula
from kontor.kernel.zones import local_day, parse_day
from kontor.programme.model import Programme
from kontor.ui.console_request import ConsoleRequest, StreamedFile, TemplateResponse
from models.accounts import Account

SHOWN: Final = 100
PAGE: Final = 1_000
COLUMNS: Final = ("day", "at", "recorded_at", "kind", "amount", "balance", "currency", "ref", "note")


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
    return StreamedFile("account-book.csv", "text/csv; charset=utf-8", _rows(request, account.id, programme, filters))


def _asked(request: ConsoleRequest) -> tuple[Account, Programme, LineFilter]:
    account = account_from_path(request, "reseller_id")
    programme = request.context.programme(request.session, account.programme)
    first, last = _day(request.incoming.param("from")), _day(request.incoming.param("to"))
    return account, programme, service.filter_by_days(programme, first, last)


def _rows(request: ConsoleRequest, account_id: UUID, programme: Programme, filters: LineFilter) -> Iterator[str]:
    """Yield CSV rows. Each page has its own transaction, so a long export keeps none open."""
    yield "\ufeff" + _row(COLUMNS)
    cursor: str | None = None
    while True:
        with request.deps.sessions() as session:
            page = service.page(session, account_id, filters, cursor, PAGE)
            rows = [_row(_cells(each, programme)) for each in page.lines]
        yield from rows
        if page.next is None:
            return
        cursor = page.next


def _cells(balanced: BalancedLine, programme: Programme) -> Sequence[str]:
    line = balanced.line
    at, recorded_at = (each.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for each in (line.at, line.recorded_at))
    amount, balance = (Money(each, line.currency) for each in (line.amount, balanced.balance))
    day = local_day(line.at, programme.zone).isoformat()
    texts = [escape_formula(line.ref), escape_formula(line.note or "")]
    return [day, at, recorded_at, line.kind, f"{amount.amount:f}", f"{balance.amount:f}", line.currency, *texts]


def _row(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()


def _day(text: str | None) -> date | None:
    """Return a day of the form. Raises Invalid."""
    try:
        return None if text is None else parse_day(text)
    except ValueError:
        raise Invalid(message=f"{text} is not a date; use the form 2026-03-31.") from None
