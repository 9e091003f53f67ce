"""The reseller's monthly statements: the list, one to read and to print, and as CSV."""

from __future__ import annotations

from typing import Final

from kontor.fees import posted_statements
from kontor.fees.catalogue import ResellerCatalogue
from kontor.fees.posted_statements import PostedStatement
from kontor.kernel.errors import NotFound
from kontor.kernel.money import Money
from kontor.kernel.paging import CSV_MEDIA
from kontor.kernel.zones import parse_day
from kontor.mailer.formatting import formats_for, language_of
from kontor.ui.pages import N
from kontor.ui.portal_request import PortalFile, PortalPage, PortalRequest, PortalResponse
from models.fees import Statement

STATEMENTS: Final = N("Statements")
STATEMENT: Final = N("Your statement for %(month)s")
LISTED: Final = 36
PAGE_SIZE: Final = 500


def show_statements(request: PortalRequest) -> PortalResponse:
    """Show the months that have a statement, the newest first."""
    owner_id = request.person.account.id
    page = posted_statements.page(request.session, owner_id, request.incoming.param("cursor"), LISTED)
    values = {"rows": [(row, _total(row)) for row in page.items], "next": page.next}
    return PortalPage("statements.html", STATEMENTS, values, page="partner.statements")


def show_statement(request: PortalRequest) -> PortalResponse:
    """Show the statement of a month. Raises NotFound."""
    owner, cursor = request.person.account, request.incoming.param("cursor")
    statement, names = _statement(request), _names(request)
    language = language_of(request.locale)
    lines = posted_statements.lines(request.session, statement.scope, names, language, cursor, PAGE_SIZE)
    values = {
        "statement": statement,
        "owner": owner,
        "lines": lines.items,
        "first": cursor is None,
        "next": lines.next,
    }
    month = formats_for(request.locale, owner.timezone).month(statement.month)
    return PortalPage("statement.html", STATEMENT, values, page="partner.statements.show", named={"month": month})


def download_statement(request: PortalRequest) -> PortalResponse:
    """Download the lines of the statement of a month as CSV. Raises NotFound."""
    statement, language = _statement(request), language_of(request.locale)
    lines = posted_statements.csv_lines(request.deps.sessions, statement.scope, _names(request), language)
    return PortalFile(f"statement-{statement.month:%Y-%m}.csv", CSV_MEDIA, lines)


def _statement(request: PortalRequest) -> PostedStatement:
    """Return the statement of the month in the path, such as `2026-03`. Raises NotFound."""
    try:
        month = parse_day(f"{request.incoming.params['month']}-01")
    except ValueError:
        raise NotFound from None
    owner = request.person.account
    currency = request.context.programme(request.session, owner.programme).currency
    return posted_statements.get(request.session, owner.id, month, currency)


def _names(request: PortalRequest) -> ResellerCatalogue:
    return ResellerCatalogue.of(request.context, request.session, request.person.account)


def _total(row: Statement) -> Money | None:
    return None if row.total is None or row.currency is None else Money(row.total, row.currency)
