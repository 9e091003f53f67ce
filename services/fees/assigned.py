"""Views of product assignments with today's terms."""

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


def page(ctx: FeeBook, session: Session, account: Account, after: str | None, limit: int) -> Page[dict[str, Any]]:
    """Return an account's assignments of today, by product, without products hidden from its reseller."""
    shelf = shelf_of(ctx, session, account)
    today = ctx.today(shelf.programme)
    percents = Percents(session, shelf.programme)
    active_runs = [
        run
        for run in runs.running(session, account.id, FeeKind.PRODUCT, today)
        if shelf.includes(run) and (after is None or run.code > after)
    ]
    page_of_runs = cut(active_runs[: limit + 1], limit, lambda run: run.code)
    return Page(tuple(document(shelf, run, account, percents, today) for run in page_of_runs.items), page_of_runs.next)


def shelf_of(ctx: FeeBook, session: Session, account: Account) -> Shelf:
    """Return the products that may be assigned to an account."""
    return Shelf.of_account(ctx, session, account)


def must_show(ctx: FeeBook, session: Session, account: Account, code: str) -> None:
    """Raise NotFound(`unknown_product`) for a product that the account's reseller neither sells nor pays for."""
    shelf = shelf_of(ctx, session, account)
    running = runs.running(session, account.id, FeeKind.PRODUCT, ctx.today(shelf.programme))
    if not any(run.code == code and shelf.includes(run) for run in running):
        shelf.product(code)


def one(ctx: FeeBook, session: Session, run: FeeRun) -> dict[str, Any]:
    """Return one assignment as JSON."""
    account = session.get_one(Account, run.account_id)
    shelf = shelf_of(ctx, session, account)
    return document(shelf, run, account, Percents(session, shelf.programme), ctx.today(shelf.programme))


def document(shelf: Shelf, run: FeeRun, account: Account, percents: Percents, today: date) -> dict[str, Any]:
    """Return an assignment as JSON; days are local to the programme, ends exclusive."""
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
