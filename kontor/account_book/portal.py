"""The reseller's account book: each line with the balance after it, by days, also as CSV; what orders may spend."""

from typing import Final

from kontor.account_book import export, service
from kontor.account_book.service import BalancedLine
from kontor.kernel.money import Money
from kontor.kernel.paging import CSV_MEDIA
from kontor.kernel.zones import local_day
from kontor.mailer.formatting import language_of
from kontor.programme.model import Programme
from kontor.programme.service import name_of
from kontor.ui.pages import N
from kontor.ui.portal_days import day_range
from kontor.ui.portal_errors import refused
from kontor.ui.portal_request import PortalFile, PortalPage, PortalRequest, PortalResponse
from models.account_book import BookKind, BookLine

OF_CHARGES: Final = frozenset({BookKind.CHARGE, BookKind.CREDIT, BookKind.VOID})
"""Kinds of lines that a charge or credit has, by whose id they refer to it; it has a page of its own."""

TITLE: Final = N("Account book")
PAGE_SIZE: Final = 100
KINDS: Final = {
    BookKind.PAYMENT: N("Payment"),
    BookKind.REFUND: N("Refund"),
    BookKind.CHARGEBACK: N("Chargeback"),
    BookKind.ORDER: N("Order"),
    BookKind.CHARGE: N("Charge"),
    BookKind.CREDIT: N("Credit"),
    BookKind.VOID: N("Voided charge"),
    BookKind.TRANSFER: N("Transfer"),
}


def show_account_book(request: PortalRequest) -> PortalResponse:
    """Show a page of the book; days that mean nothing are named beside their fields."""
    owner, days = request.person.account, day_range(request)
    programme = request.context.programme(request.session, owner.programme)
    filters = service.filter_by_days(programme, days.first, days.last)
    page = service.page(request.session, owner.id, filters, request.incoming.param("cursor"), PAGE_SIZE)
    values = {
        "lines": () if days.error else [_line(request, each, programme) for each in page.lines],
        "days": days,
        "next": None if days.error else page.next,
        "balance": Money(page.balance, programme.currency),
        "available": service.available(request.session, owner.id, programme),
    }
    shown = PortalPage("account_book.html", TITLE, values, page="partner.account-book")
    return shown if days.error is None else refused(request, shown, days.error)


def download_account_book(request: PortalRequest) -> PortalResponse:
    """Download the lines of the days as CSV. Raises Invalid for days that mean nothing."""
    owner, days = request.person.account, day_range(request)
    days.require()
    programme = request.context.programme(request.session, owner.programme)
    filters = service.filter_by_days(programme, days.first, days.last)
    return PortalFile(export.FILE, CSV_MEDIA, export.csv_lines(request.deps.sessions, owner.id, programme, filters))


def _line(request: PortalRequest, balanced: BalancedLine, programme: Programme) -> dict[str, object]:
    line = balanced.line
    return {
        "day": local_day(line.at, programme.zone),
        "kind": KINDS[BookKind(line.kind)],
        "charge": line.fact_id if line.kind in OF_CHARGES else None,
        "note": _note(line, programme, request.locale),
        "amount": Money(line.amount, line.currency),
        "balance": Money(balanced.balance, line.currency),
    }


def _note(line: BookLine, programme: Programme, locale: str) -> str:
    """Return a line's reference and what it was for; the product, which a note begins with, by its name."""
    code, space, more = (line.note or "").partition(" ")
    plan = programme.plans.get(code)
    named = plan.name_in(language_of(locale)) if plan is not None else name_of(programme, code, locale)
    own = line.kind in OF_CHARGES or line.ref.startswith("portal:")
    return " · ".join(part for part in ("" if own else line.ref, f"{named}{space}{more}") if part)
