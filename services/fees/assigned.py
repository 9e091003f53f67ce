"""Assignments as they are read: what is assigned today, at which terms."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from domain.paging import Page, cut
from models.accounts import Account
from models.fees import FeeKind, FeeRun
from services.fees import margins
from services.fees.book import FeeBook
from services.fees.prices import Percents
from services.fees.shelf import Shelf
from store.fees import runs


def page(book: FeeBook, session: Session, account: Account, after: str | None, limit: int) -> Page[dict[str, Any]]:
    """What is assigned to an account today, by product; products hidden from its reseller are left out."""
    shelf = shelf_of(book, session, account)
    today = book.today(shelf.programme)
    percents = Percents(session, shelf.programme)
    found = [
        run
        for run in runs.running(session, account.id, FeeKind.PRODUCT, today)
        if shelf.shows(run) and (after is None or run.code > after)
    ]
    page_ = cut(found[: limit + 1], limit, lambda run: run.code)
    return Page(tuple(document(shelf, run, account, percents, today) for run in page_.items), page_.next)


def shelf_of(book: FeeBook, session: Session, account: Account) -> Shelf:
    """What may be assigned to an account."""
    return Shelf.of_account(book, session, account)


def must_show(book: FeeBook, session: Session, account: Account, code: str) -> None:
    """Raise NotFound(`unknown_product`) for a product that the account's reseller neither sells nor pays for."""
    shelf = shelf_of(book, session, account)
    running = runs.running(session, account.id, FeeKind.PRODUCT, book.today(shelf.programme))
    if not any(run.code == code and shelf.shows(run) for run in running):
        shelf.product(code)


def one(book: FeeBook, session: Session, run: FeeRun) -> dict[str, Any]:
    """One assignment as the API shows it."""
    account = session.get_one(Account, run.account_id)
    shelf = shelf_of(book, session, account)
    return document(shelf, run, account, Percents(session, shelf.programme), book.today(shelf.programme))


def document(shelf: Shelf, run: FeeRun, account: Account, percents: Percents, today: date) -> dict[str, Any]:
    """The JSON shape of an assignment: days are local to the programme, ends exclusive."""
    terms = margins.terms_of(shelf, run, account, percents, today)
    return {
        "id": run.id,
        "account_id": run.account_id,
        "product": run.code,
        "name": shelf.name(run.code),
        "retail_fee": None if terms is None else terms.retail.to_document(),
        "recommended": run.retail_fee is None,
        "reseller_fee": None if terms is None else terms.wholesale.to_document(),
        "cost": None if terms is None else terms.cost.to_document(),
        "below_cost": terms is not None and terms.below_cost,
        "anchor": run.anchor,
        "since": run.since,
        "paid_until": run.next_start,
        "ends_on": run.until,
        "created_at": run.created_at,
    }
