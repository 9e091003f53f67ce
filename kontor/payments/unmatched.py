"""Imported payments that name no reseller: they wait until an operator says whose they are."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor import audit
from kontor.accounts import external_ids
from kontor.accounts import service as accounts
from kontor.audit import Actor
from kontor.context import Context
from kontor.kernel.errors import Conflict, FieldError, Invalid, NotFound
from kontor.kernel.money import Money
from kontor.kernel.paging import Page, page_of
from kontor.kernel.states import PaymentKind
from kontor.payments import queries, service
from kontor.payments.service import NewPayment, PostedPayment
from models.payments import UnmatchedPayment

REASON_LIMIT: Final = 1_000


def page(
    session: Session, programme: str | None, cursor: str | None, limit: int, *, dismissed: bool = False
) -> Page[UnmatchedPayment]:
    """Return the payments that wait, or the dismissed ones, latest first. Raises Invalid on an invalid cursor."""
    at = UnmatchedPayment.dismissed_at
    state = (UnmatchedPayment.payment_id.is_(None), at.is_not(None) if dismissed else at.is_(None))
    query = select(UnmatchedPayment).where(*state)
    if programme is not None:
        query = query.where(UnmatchedPayment.programme == programme)
    return page_of(session, query, UnmatchedPayment.id, cursor, limit)


def get(session: Session, unmatched_id: UUID) -> UnmatchedPayment:
    """Return one payment. Raises NotFound."""
    waiting = session.get(UnmatchedPayment, unmatched_id)
    if waiting is None:
        raise NotFound(message="There is no such payment.")
    return waiting


def payee(session: Session, programme: str, text: str) -> UUID:
    """Return the account of a programme that a text names: by id, `external_id` or name. Raises Invalid."""
    try:
        return UUID(text)
    except ValueError:
        pass
    ids = external_ids.of_programme(session, programme).get(text.casefold(), ())
    named = accounts.named(session, text)
    if len(ids) == 1:
        return ids[0]
    if not ids and named is not None and named.programme == programme:
        return named.id
    message = f"No reseller of {programme} has the id, external_id or name {text[:100]!r}."
    raise Invalid("invalid", message, errors=[FieldError("reseller", message)])


def assign(ctx: Context, session: Session, unmatched_id: UUID, reseller_id: UUID, actor: str) -> PostedPayment:
    """Post a waiting payment to a reseller; one that is there already, under its reference, is not posted again.

    One that was dismissed is taken back with it.
    Under a reference that the reseller has with another content it is posted as the row it was. Raises NotFound,
    Conflict(`already_assigned`, `not_a_reseller`), Invalid(`programme_mismatch`).
    """
    waiting = _lock_unassigned(session, unmatched_id)
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
    waiting.dismissed_at = waiting.dismissed_by = waiting.dismiss_reason = None
    session.flush()
    return posted


def dismiss(ctx: Context, session: Session, unmatched_id: UUID, actor: Actor) -> UnmatchedPayment:
    """Take a payment that is no reseller's off the list, for the actor's reason. A repeat changes nothing.

    Raises NotFound, Conflict(`already_assigned`), Invalid without a reason.
    """
    reason = (actor.reason or "").strip()
    if not 1 <= len(reason) <= REASON_LIMIT:
        message = f"The reason must have 1 to {REASON_LIMIT} characters."
        raise Invalid("invalid", message, errors=[FieldError("reason", message)])
    waiting = _lock_unassigned(session, unmatched_id)
    if waiting.dismissed_at is None:
        waiting.dismissed_at, waiting.dismissed_by, waiting.dismiss_reason = ctx.now, actor.name, reason
        audit.record(session, actor, "payment.dismiss", str(waiting.id), at=ctx.now)
        session.flush()
    return waiting


def _lock_unassigned(session: Session, unmatched_id: UUID) -> UnmatchedPayment:
    waiting = session.get(UnmatchedPayment, unmatched_id, with_for_update=True, populate_existing=True)
    if waiting is None:
        raise NotFound(message="There is no such payment.")
    if waiting.payment_id is not None:
        raise Conflict("already_assigned", "The payment is assigned to a reseller.", state="assigned")
    return waiting
