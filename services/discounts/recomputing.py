"""One reseller's discount computed anew, at once after a payment."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.programme.model import TurnoverDiscount
from models.accounts import Account, AccountKind
from services.discounts.book import DiscountBook
from services.discounts.news import Teller
from services.discounts.recording import Finding, record, sums_of
from store import accounts

TASK: Final = "discounts.recompute"


def recompute_soon(book: DiscountBook, session: Session, reseller: Account) -> None:
    """Enqueue it in the caller's transaction, which holds the reseller's row at least shared.

    A burst shares one job and none is lost: the job takes the row for itself before it reads the
    payments, so whoever found it waiting has committed by then, and whoever comes later makes a new one.
    """
    if not isinstance(book.programme(session, reseller.programme).discount, TurnoverDiscount):
        return
    args = {"reseller_id": str(reseller.id)}
    book.jobs.enqueue(session, TASK, args, tenant=str(reseller.id), unique_key=str(reseller.id))


def recompute(book: DiscountBook, session: Session, reseller_id: UUID) -> Finding | None:
    """Record a reseller's discount of today and tell it what changed; None when it is no reseller any more."""
    reseller = accounts.by_id(session, reseller_id, lock=True)
    if reseller is None or reseller.kind != AccountKind.RESELLER or reseller.deleted_at is not None:
        return None
    programme = book.programme(session, reseller.programme)
    rules = programme.discount
    if not isinstance(rules, TurnoverDiscount):
        return None
    day = book.today(programme.zone)
    sums = sums_of(reseller.programme, programme, rules, day, (reseller.id, reseller.id))
    found = record(book, session, sums)
    if found is not None:
        Teller(book, programme, rules, day).tell(session, [found])
    return found
