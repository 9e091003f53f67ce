"""A reseller's discount on a day, explained, and with a hypothetical payment."""

from kontor.accounts.console import account_from_path
from kontor.discounts import explain
from kontor.discounts.schemas import DiscountOut
from kontor.kernel.money import parse_amount
from kontor.kernel.zones import day_of_field
from kontor.programme.display_names import DisplayNames
from kontor.ui.console_request import ConsoleRequest, TemplateResponse


def show_discount(request: ConsoleRequest) -> TemplateResponse:
    """Explain the discount of a local day, and again as if `pay` had been paid that day.

    Raises NotFound, Conflict(`not_a_reseller`), Invalid for a malformed day or amount.
    """
    account = account_from_path(request, "reseller_id")
    service_ctx = request.context
    programme = service_ctx.programme(request.session, account.programme)
    day, typed = day_of_field(request.incoming.param("as_of"), "as_of"), request.incoming.param("pay")
    pay = None if typed is None else parse_amount(typed, programme.currency, loc="pay")
    explanation = explain.explain_discount(service_ctx, request.session, account, day)
    what_if = None if pay is None else explain.explain_discount(service_ctx, request.session, account, day, pay)
    values = {
        "account": account,
        "shown": DisplayNames(programme),
        "explanation": explanation,
        "what_if": what_if,
        "pay": typed or "",
        "currency": programme.currency,
        "zone": programme.timezone,
        "differs": _differs(explanation),
    }
    return TemplateResponse("discount.html", f"Discount of {account.name}", values, "accounts")


def _differs(explanation: DiscountOut) -> bool:
    """Return whether the discount computed today differs from the one recorded on the day."""
    recorded = explanation.recorded
    return recorded is not None and (recorded.tier, recorded.turnover) != (explanation.tier, explanation.turnover)
