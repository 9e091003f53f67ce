"""A reseller's discount on a day, explained, and with a hypothetical payment."""

from datetime import date
from decimal import Decimal
from typing import Final

from kontor.accounts.console import account_from_path
from kontor.discounts import explain
from kontor.discounts.schemas import DiscountOut
from kontor.kernel.errors import Invalid
from kontor.kernel.money import parse_amount
from kontor.kernel.zones import parse_day
from kontor.programme.display_names import DisplayNames
from kontor.ui.console_request import ConsoleRequest, TemplateResponse

YEARS: Final = range(1900, 9000)
"""Same range as in the API."""
NOTHING: Final = Decimal(0)


def show_discount(request: ConsoleRequest) -> TemplateResponse:
    """Explain the discount of a local day, and again as if `pay` had been paid that day.

    Raises NotFound, Conflict(`not_a_reseller`), Invalid for a malformed day or amount.
    """
    account = account_from_path(request, "reseller_id")
    service_ctx = request.context
    programme = service_ctx.programme(request.session, account.programme)
    day, typed = _day(request.incoming.param("as_of")), request.incoming.param("pay")
    pay = None if typed is None else parse_amount(typed, programme.currency, loc="pay")
    explanation = explain.explain_discount(service_ctx, request.session, account, day)
    values = {
        "account": account,
        "shown": DisplayNames(programme),
        "explanation": explanation,
        "what_if": None if pay is None else explain.explain_discount(service_ctx, request.session, account, day, pay),
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


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        day = parse_day(text)
    except ValueError:
        day = None
    if day is None or day.year not in YEARS:
        raise Invalid(message=f"{text} is not a date; use the form 2026-03-31.")
    return day
