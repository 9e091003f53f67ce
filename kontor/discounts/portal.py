"""The reseller's discount: today's tier, the ladder, what leaves tomorrow, and what a payment would change."""

from typing import Final

from kontor.discounts import explain
from kontor.kernel.errors import Invalid
from kontor.kernel.money import parse_amount
from kontor.programme.model import FlatDiscount, Tier, TurnoverDiscount
from kontor.ui.pages import N
from kontor.ui.portal_errors import refused
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse

TITLE: Final = N("Your discount")


def show_discount(request: PortalRequest) -> PortalResponse:
    """Explain today's discount, and again as if `pay` were paid today; books nothing."""
    owner, typed = request.person.account, request.incoming.param("pay")
    programme = request.context.programme(request.session, owner.programme)
    explanation = explain.explain_discount(request.context, request.session, owner, None)
    rules = programme.discount
    ladder: tuple[Tier, ...] = rules.tiers if isinstance(rules, TurnoverDiscount) else ()
    values: dict[str, object] = {
        "explanation": explanation,
        "what_if": None,
        "currency": programme.currency,
        "ladder": ladder,
        "flat": rules.percent if isinstance(rules, FlatDiscount) else None,
        "families": {code: programme.family_name(code, request.locale) for code in explanation.percent},
        "tier_names": {tier.name: programme.tier_name(tier.name, request.locale) for tier in ladder},
        "pay": typed or "",
    }
    if typed is None:
        return PortalPage("discount.html", TITLE, values, page="partner.discount")
    try:
        pay = parse_amount(typed, programme.currency, loc="pay")
    except Invalid as error:
        return refused(request, PortalPage("discount.html", TITLE, values, page="partner.discount"), error)
    what_if = explain.explain_discount(request.context, request.session, owner, None, pay)
    return PortalPage("discount.html", TITLE, {**values, "what_if": what_if}, page="partner.discount")
