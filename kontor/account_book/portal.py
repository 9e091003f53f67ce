"""The reseller's account book: each line with the balance after it, and what orders may spend."""

from typing import Final

from kontor.account_book import service
from kontor.kernel.money import Money
from kontor.kernel.zones import local_day
from kontor.mailer.formatting import language_of
from kontor.programme.model import Programme
from kontor.programme.service import name_of
from kontor.ui.pages import N
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse
from models.account_book import BookKind, BookLine

OWN_NUMBERS: Final = frozenset({BookKind.CHARGE, BookKind.CREDIT, BookKind.VOID})
"""Kinds whose reference is an id of ours, which says nothing to a reader."""

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
    """Show a page of the book."""
    owner = request.person.account
    programme = request.context.programme(request.session, owner.programme)
    filters = service.filter_by_days(programme, None, None)
    page = service.page(request.session, owner.id, filters, request.incoming.param("cursor"), PAGE_SIZE)
    lines = [
        {
            "day": local_day(each.line.at, programme.zone),
            "kind": KINDS[BookKind(each.line.kind)],
            "note": _note(each.line, programme, request.locale),
            "amount": Money(each.line.amount, each.line.currency),
            "balance": Money(each.balance, each.line.currency),
        }
        for each in page.lines
    ]
    values = {
        "lines": lines,
        "next": page.next,
        "balance": Money(page.balance, programme.currency),
        "available": service.spendable(programme, page.balance),
    }
    return PortalPage("account_book.html", TITLE, values, page="partner.account-book")


def _note(line: BookLine, programme: Programme, locale: str) -> str:
    """Return a line's reference and what it was for; the product, which a note begins with, by its name."""
    code, space, more = (line.note or "").partition(" ")
    plan = programme.plans.get(code)
    named = plan.name_in(language_of(locale)) if plan is not None else name_of(programme, code, locale)
    own = line.kind in OWN_NUMBERS or line.ref.startswith("portal:")
    return " · ".join(part for part in ("" if own else line.ref, f"{named}{space}{more}") if part)
