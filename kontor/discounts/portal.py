"""The reseller's discount: tier, window by day, what leaves tomorrow, what a payment changes, where to pay, history."""

from typing import Final

from kontor.discounts import explain, queries
from kontor.discounts.schemas import CountedPaymentOut
from kontor.discounts.window_chart import BAR_WIDTH, DAY_WIDTH, HEIGHT, window_chart
from kontor.http.wire import MoneyOut
from kontor.kernel.errors import Invalid
from kontor.kernel.money import parse_amount
from kontor.kernel.states import PaymentKind
from kontor.mailer.formatting import language_of
from kontor.programme.display_names import DisplayNames
from kontor.programme.model import Programme, Tier, TurnoverDiscount
from kontor.ui.pages import N
from kontor.ui.portal_errors import refused
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse

TITLE: Final = N("Your discount")
HISTORY: Final = N("Discount day by day")
PAGE_SIZE: Final = 50
SIZES: Final = {"day": DAY_WIDTH, "bar": BAR_WIDTH, "height": HEIGHT}
KINDS: Final = {
    PaymentKind.PAYMENT: N("Payment"),
    PaymentKind.REFUND: N("Refund"),
    PaymentKind.CHARGEBACK: N("Chargeback"),
}


def show_discount(request: PortalRequest) -> PortalResponse:
    """Explain today's discount, and again as if `pay` were paid today; books nothing."""
    owner, typed = request.person.account, request.incoming.param("pay")
    programme = _programme(request)
    explanation = explain.explain_discount(request.context, request.session, owner, None)
    ladder: tuple[Tier, ...] = programme.discount.tiers if isinstance(programme.discount, TurnoverDiscount) else ()
    missing = None if explanation.next_tier is None else explanation.next_tier.missing
    values: dict[str, object] = {
        "explanation": explanation,
        "what_if": None,
        "currency": programme.currency,
        "ladder": ladder,
        "names": DisplayNames(programme, language_of(request.locale)),
        "chart": window_chart(explain.turnover_days(explanation)),
        "sizes": SIZES,
        "leaves": explanation.turnover.to_money() - explanation.tomorrow.turnover.to_money(),
        "leaving": [_leaving(each) for each in explanation.tomorrow.leaving],
        "pay_to_keep": _payment_link(request, programme, explanation.tomorrow.keep_with),
        "pay_to_rise": _payment_link(request, programme, missing),
        "pay": typed or "",
    }
    if typed is None:
        return PortalPage("discount.html", TITLE, values, page="partner.discount")
    try:
        pay = parse_amount(typed, programme.currency, loc="pay")
    except Invalid as error:
        return refused(request, PortalPage("discount.html", TITLE, values, page="partner.discount"), error)
    what_if = explain.explain_discount(request.context, request.session, owner, None, pay)
    values |= {"what_if": what_if, "pay_as_typed": _payment_link(request, programme, what_if.pay)}
    return PortalPage("discount.html", TITLE, values, page="partner.discount")


def show_history(request: PortalRequest) -> PortalResponse:
    """Show the days on which the recorded discount changed, newest first."""
    programme = _programme(request)
    page = queries.records(request.session, request.person.account.id, request.incoming.param("cursor"), PAGE_SIZE)
    values = {
        "rows": page.items,
        "next": page.next,
        "currency": programme.currency,
        "zone": programme.timezone,
        "names": DisplayNames(programme, language_of(request.locale)),
    }
    return PortalPage("discount_history.html", HISTORY, values, page="partner.discount.history")


def _programme(request: PortalRequest) -> Programme:
    return request.context.programme(request.session, request.person.account.programme)


def _leaving(payment: CountedPaymentOut) -> dict[str, object]:
    """Return a payment that leaves the window, with the sign that it has in the turnover."""
    amount = payment.amount.to_money()
    return {
        "day": payment.day,
        "kind": KINDS[payment.kind],
        "reference": payment.reference,
        "amount": amount if payment.kind is PaymentKind.PAYMENT else -amount,
    }


def _payment_link(request: PortalRequest, programme: Programme, amount: MoneyOut | None) -> str:
    """Return where the provider takes an amount, empty without such a place; nothing is booked by it."""
    if amount is None:
        return ""
    return programme.billing.payment_link(str(request.person.account.id), amount.to_money(), request.now)
