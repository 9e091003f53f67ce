"""The reseller's account book: each line with the balance after it, and what orders may spend."""

from typing import Final

from kontor.account_book import service
from kontor.kernel.money import Money
from kontor.kernel.zones import local_day
from kontor.ui.pages import N
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse
from models.account_book import BookKind

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
            "ref": each.line.ref,
            "note": each.line.note,
            "amount": Money(each.line.amount, each.line.currency),
            "balance": Money(each.balance, each.line.currency),
        }
        for each in page.lines
    ]
    values = {
        "lines": lines,
        "next": page.next,
        "balance": Money(page.balance, programme.currency),
        "available": service.available(request.session, owner.id, programme),
    }
    return PortalPage("account_book.html", TITLE, values, page="partner.account-book")
