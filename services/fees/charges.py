"""Charges: listed by payer, voided with a reason, otherwise never changed."""

from __future__ import annotations

from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import Conflict, FieldError, Invalid, NotFound
from domain.money import Money
from domain.paging import Page, bad_cursor, cut
from models.fees import Charge
from services.fees.book import FeeBook
from store import audit
from store.fees import charges as rows
from store.fees.charges import ChargeFilter

REASON_LIMIT: Final = 1_000


def page(session: Session, filters: ChargeFilter, cursor: str | None, limit: int) -> Page[Charge]:
    """Return charges by the first day of their period. Raises Invalid on an invalid cursor."""
    charges = rows.page(session, filters, _parse_cursor(cursor), limit + 1)
    return cut(charges, limit, lambda charge: f"{charge.period_start.isoformat()}~{charge.id}")


def _parse_cursor(cursor: str | None) -> tuple[date, UUID] | None:
    if cursor is None:
        return None
    day, _, charge_id = cursor.partition("~")
    try:
        return date.fromisoformat(day), UUID(charge_id)
    except ValueError:
        raise bad_cursor() from None


def void(ctx: FeeBook, session: Session, charge_id: UUID, reason: str, actor: str) -> Charge:
    """Void a charge permanently. Raises NotFound, Invalid, Conflict(`already_void`)."""
    stripped = reason.strip()
    if not 1 <= len(stripped) <= REASON_LIMIT:
        message = f"The reason must have 1 to {REASON_LIMIT} characters."
        raise Invalid("invalid", message, errors=[FieldError("reason", message)])
    charge = rows.by_id(session, charge_id, lock=True)
    if charge is None:
        raise NotFound(message="No such charge.")
    if charge.voided_at is not None:
        raise Conflict("already_void", "The charge is already void.", state="void")
    charge.voided_at, charge.void_reason, charge.voided_by = ctx.now, stripped, actor
    audit.add(session, at=ctx.now, actor=actor, action="charge.void", target=str(charge.id), reason=stripped)
    session.flush()
    return charge


def document(charge: Charge) -> dict[str, Any]:
    """Return a charge as JSON, with how it was computed."""
    amounts = {"fee": charge.fee, "discount": charge.discount, "total": charge.total}
    return {
        "id": charge.id,
        "account_id": charge.account_id,
        "reseller_id": charge.reseller_id,
        "kind": charge.kind,
        "product": charge.product,
        "period_start": charge.period_start,
        "period_end": charge.period_end,
        **{name: Money(amount, charge.currency).to_document() for name, amount in amounts.items()},
        "void": charge.voided_at is not None,
        "voided_at": charge.voided_at,
        "void_reason": charge.void_reason,
        "how": charge.how,
        "created_at": charge.created_at,
    }
