"""Imported payments that name no reseller: they wait until an operator says whose they are."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.kernel.errors import Conflict, FieldError, Invalid, NotFound
from kontor.kernel.money import Money
from kontor.kernel.paging import Page, page_of
from kontor.kernel.states import PaymentKind
from kontor.payments import queries, service
from kontor.payments.service import NewPayment, PostedPayment
from models.payments import UnmatchedPayment


def page(session: Session, programme: str | None, cursor: str | None, limit: int) -> Page[UnmatchedPayment]:
    """Return the payments that wait, latest first. Raises Invalid on an invalid cursor."""
    query = select(UnmatchedPayment).where(UnmatchedPayment.payment_id.is_(None))
    if programme is not None:
        query = query.where(UnmatchedPayment.programme == programme)
    return page_of(session, query, UnmatchedPayment.id, cursor, limit)


def assign(ctx: Context, session: Session, unmatched_id: UUID, reseller_id: UUID, actor: str) -> PostedPayment:
    """Post a waiting payment to a reseller; one that is there already, under its reference, is not posted again.

    Under a reference that the reseller has with another content it is posted as the row it was. Raises NotFound,
    Conflict(`already_assigned`, `not_a_reseller`), Invalid(`programme_mismatch`).
    """
    waiting = session.get(UnmatchedPayment, unmatched_id, with_for_update=True, populate_existing=True)
    if waiting is None:
        raise NotFound(message="There is no such payment.")
    if waiting.payment_id is not None:
        raise Conflict("already_assigned", "The payment is assigned to a reseller.", state="assigned")
    if queries.programme_code(session, reseller_id) != waiting.programme:
        message = f"The payment is of the programme {waiting.programme}; the reseller is not."
        raise Invalid("programme_mismatch", message, errors=[FieldError("reseller_id", message)])
    money = Money(waiting.amount, waiting.currency)
    new = NewPayment(PaymentKind(waiting.kind), money, waiting.paid_at, waiting.reference)
    posted = service.post(ctx, session, reseller_id, new)
    if posted.differs:
        own = NewPayment(new.kind, new.money, new.paid_at, waiting.row_key)
        posted = service.post(ctx, session, reseller_id, own)
    waiting.payment_id, waiting.assigned_by, waiting.assigned_at = posted.row.id, actor, ctx.now
    session.flush()
    return posted
