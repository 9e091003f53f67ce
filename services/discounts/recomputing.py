"""Recompute one reseller's discount, right after a payment."""

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


def recompute_soon(ctx: DiscountBook, session: Session, reseller: Account) -> None:
    """Enqueue the recomputation in the caller's transaction, which holds at least a share lock on the reseller's row.

    A burst of payments shares one job and none is missed: the job locks the row exclusively before it reads the
    payments, so every payment that found the job waiting is committed by then; later payments enqueue a new job.
    """
    if not isinstance(ctx.programme(session, reseller.programme).discount, TurnoverDiscount):
        return
    args = {"reseller_id": str(reseller.id)}
    ctx.jobs.enqueue(session, TASK, args, tenant=str(reseller.id), unique_key=str(reseller.id))


def recompute(ctx: DiscountBook, session: Session, reseller_id: UUID) -> Finding | None:
    """Record a reseller's discount of today and notify it of changes; None when it is no longer a reseller."""
    reseller = accounts.by_id(session, reseller_id, lock=True)
    if reseller is None or reseller.kind != AccountKind.RESELLER or reseller.deleted_at is not None:
        return None
    programme = ctx.programme(session, reseller.programme)
    rules = programme.discount
    if not isinstance(rules, TurnoverDiscount):
        return None
    day = ctx.today(programme.zone)
    sums = sums_of(reseller.programme, programme, rules, day, (reseller.id, reseller.id))
    change = record(ctx, session, sums)
    if change is not None:
        Teller(ctx, programme, rules, day).notify(session, [change])
    return change
