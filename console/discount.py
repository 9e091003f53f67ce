"""Why a reseller has its discount on a day, and what a payment would make of it."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from console.accounts import found_account
from console.answers import Page
from console.visit import Visit
from domain.errors import Invalid
from domain.money import parse_amount
from services.discounts import explaining
from services.discounts.book import DiscountBook

YEARS: Final = range(1900, 9000)
"""As the API takes them."""
NOTHING: Final = Decimal(0)


def show_discount(visit: Visit) -> Page:
    """The explanation for a local day, with `pay` beside it as if paid then.

    Raises NotFound, Conflict(`not_a_reseller`), Invalid for a day or an amount that is none.
    """
    account = found_account(visit, "reseller_id")
    book = DiscountBook(visit.jobs, visit.deps.programmes)
    programme = book.programme(visit.session, account.programme)
    day, typed = _day(visit.arrival.asked("as_of")), visit.arrival.asked("pay")
    pay = None if typed is None else parse_amount(typed, programme.currency, loc="pay")
    told = explaining.told(book, visit.session, account, day)
    values = {
        "account": account,
        "told": told,
        "what_if": None if pay is None else explaining.told(book, visit.session, account, day, pay),
        "pay": typed or "",
        "currency": programme.currency,
        "zone": programme.timezone,
        "differs": _differs(told),
    }
    return Page("discount.html", f"Discount of {account.name}", values, "accounts")


def _differs(told: Mapping[str, Any]) -> bool:
    """Whether today's ledger says another thing than what was recorded on the day."""
    recorded = told["recorded"]
    return recorded is not None and (recorded["tier"], recorded["turnover"]) != (told["tier"], told["turnover"])


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.year not in YEARS:
        raise Invalid(message=f"{text} is no day; write it like 2026-03-31.")
    return found
