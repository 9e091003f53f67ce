"""One reseller's discount computed anew, at once after a payment."""

from __future__ import annotations

from typing import Final

from sqlalchemy.orm import Session

from domain.programme.model import TurnoverDiscount
from models.accounts import Account
from services.discounts.book import DiscountBook

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
