"""What a refused form of the portal says: a message beside a field, in words that are translated."""

from collections.abc import Mapping
from typing import Final

from kontor.http.problems import headers_of, status_of
from kontor.kernel.errors import KontorError
from kontor.ui.pages import N
from kontor.ui.portal_request import PortalPage, PortalRequest

REQUIRED: Final = N("Please fill in this field.")
TOO_MANY: Final = N("Too many attempts. Please try again later.")
FIELDS: Final[Mapping[str, str]] = {
    "name": N("Please enter 1 to 100 characters, with at least one letter or digit."),
    "email": N("Please enter a valid email address."),
    "admin_email": N("Please enter a valid email address."),
    "locale": N("Please choose a language."),
    "timezone": N("Please enter a time zone such as Europe/Berlin."),
    "role": N("Please choose a role."),
    "identifier": N("Please enter the name of an account or its email address."),
    "password": N("A password must have 12 to 200 characters, and must not be one of the most common."),
    "new_password": N("A password must have 12 to 200 characters, and must not be one of the most common."),
    "product": N("Please choose a product from the list."),
    "count": N("Please enter a whole number from 1 on."),
    "term": N("Please choose a term: a number of days, weeks, months or years, or a last day."),
    "lines": N("A template has at most 100 products."),
    "mode": N("Please choose one of the two."),
    "message": N("A message may have up to 4,000 characters."),
    "pay": N("Please enter an amount such as 1000.00."),
    "from": N("Please enter a day such as 2026-03-31."),
    "to": N("Please enter a day such as 2026-03-31, not before the first day."),
    "party": N("Please choose one of the two."),
    "terms": N("Please accept the terms."),
    "programme": N("Please choose a programme."),
    "quantity": N("Please enter a whole number from 1 on."),
    "promo_code": N("There is no such promo code."),
    "url": N("This address cannot be used. Enter an https address that the public internet reaches."),
    "events": N("Please enter * or names from the list."),
    "scopes": N("Please choose at least one, and only valid names of tasks."),
    "expires_at": N("Please enter a day to come, such as 2027-12-31."),
    "colours": N("Please enter colours such as #2457d6."),
    "domain": N("Please enter a domain such as booking.example.com."),
    "from_address": N("Please enter a valid email address."),
    "support": N("Please check email address, web address (https) and phone number."),
    "retail_fee": N("Please enter a price such as 19.00."),
    "config": N("This value does not fit."),
    "code": N("This code is not right, or was used before. Enter the code that the app shows now."),
}
CODES: Final[Mapping[str, tuple[str, str]]] = {
    "name_taken": ("name", N("This name is taken, or looks like one that is taken.")),
    "member_exists": ("email", N("This person is a member already.")),
    "bad_credentials": ("password", N("No account has this name and password.")),
    "has_reseller": ("name", N("This account has another reseller.")),
    "programme_mismatch": ("name", N("This account belongs to another programme.")),
    "already_reseller": ("name", N("This account is a reseller itself.")),
    "no_instance": ("account_id", N("This client has no system connected yet, so an offer cannot reach it.")),
    "no_lines": ("template_id", N("This template has no products yet.")),
    "terms_changed": ("terms", N("The terms have changed. Please read them again.")),
    "party_refused": ("party", N("This programme is for companies only.")),
    "unknown_plan": ("plan", N("Please choose a plan from the list.")),
    "unknown_promo_code": ("promo_code", N("There is no such promo code.")),
    "not_for_sale": ("product", N("Please choose a product from the list.")),
    "unknown_product": ("product", N("Please choose a product from the list.")),
}
"""Refusals that belong to a field: the page answers 422 and shows them beside it."""

NOTICES: Final[Mapping[str, str]] = {
    "trial_used": N("The free trial was used before."),
    "already_subscribed": N("A paid plan is running, so there is no trial."),
    "no_trial": N("There is no free trial."),
    "has_clients": N("A reseller with clients cannot be deleted."),
    "account_deleted": N("The account has been deleted."),
    "account_suspended": N("This account is suspended"),
    "not_deleted": N("The account is not deleted."),
    "final": N("The account was deleted for good."),
    "not_a_reseller": N("This account is not a reseller."),
    "illegal_transition": N("This offer has been decided or withdrawn meanwhile; nothing was changed."),
    "line_changed": N(
        "This line was changed or removed meanwhile, so nothing was saved. Check what is there now, and save again."
    ),
    "template_changed": N("The template has another name by now, so nothing was saved. Save again to use yours."),
    "not_sendable": N("This email cannot be sent again now: it is still on its way, or the address refuses emails."),
    "offer_held": N("This offer is on hold because somebody objected to the new address; nothing was changed."),
    "address_unconfirmed": N("The account’s address was changed a short time ago; nothing was decided yet."),
    "own_address_unconfirmed": N("Please confirm your own address first, by the link in our email."),
    "insufficient_balance": N("Your balance does not cover this. Please pay first; nothing was ordered."),
    "not_renewable": N("This service cannot be renewed."),
    "endpoint_exists": N("There is an endpoint with this address and these events already."),
    "not_multiple": N("Only one client may have this product, and another has it."),
    "has_main": N("The client has a main product already."),
    "main_required": N("The client needs a main product first."),
    "request_over": N("This request is no longer open. Nothing was changed."),
    "not_agreed": N("The other owner has not agreed, or no longer does. Nothing was changed."),
    "busy": N("Please try again in a moment"),
    "locked": TOO_MANY,
    "too_many": TOO_MANY,
}
NOT_POSSIBLE: Final = N("This is not possible now; nothing was changed.")


def refused(request: PortalRequest, page: PortalPage, error: KontorError) -> PortalPage:
    """Return a page with a form that was refused: why, beside the field, and what was typed."""
    beside = CODES.get(error.code)
    errors = {} if beside is None else {beside[0]: beside[1]}
    for problem in getattr(error, "errors", ()):
        name = problem.loc.rpartition(".")[2] if problem.loc.rpartition(".")[2] in FIELDS else problem.loc.split(".")[0]
        errors.setdefault(name, FIELDS.get(name, REQUIRED))
    status = 422 if errors else status_of(error)
    notice = None if errors else NOTICES.get(error.code, NOT_POSSIBLE)
    return PortalPage(
        page.template,
        page.title,
        page.values,
        status,
        errors,
        request.incoming.form,
        notice,
        headers_of(error),
        brand=page.brand,
        page=page.page,
        script=page.script,
    )
