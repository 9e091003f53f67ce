"""Payments of resellers: posted once per reference, never changed."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts.locks import share_lock_reseller
from kontor.context import Context
from kontor.discounts.daily_run import enqueue_recompute
from kontor.kernel.errors import Conflict, FieldError, Invalid
from kontor.kernel.ids import new_id
from kontor.kernel.money import Money
from kontor.kernel.paging import Page
from kontor.kernel.periods import ONE_DAY
from kontor.kernel.states import PaymentKind
from kontor.kernel.zones import day_start
from kontor.payments import queries
from kontor.payments.queries import PaymentFilter
from kontor.programme.model import Programme
from models.payments import PaymentRow

REFERENCE_LIMIT: Final = 200


@dataclass(frozen=True, slots=True)
class NewPayment:
    """A reported payment, refund or chargeback; the amount is positive, the instant aware."""

    kind: PaymentKind
    money: Money
    paid_at: datetime
    reference: str


@dataclass(frozen=True, slots=True)
class PostedPayment:
    """The entry with a reference; `created` is False when it existed before."""

    row: PaymentRow
    created: bool


def post(ctx: Context, session: Session, reseller_id: UUID, new: NewPayment) -> PostedPayment:
    """Post a payment and enqueue the recomputation of the reseller's discount; a known reference changes nothing.

    Raises NotFound, Conflict(`not_a_reseller`, `account_deleted`), Invalid(`in_future`, `reference`).
    """
    reference = normalize_reference(new.reference)
    reject_future(new.paid_at, ctx.now)
    reseller = share_lock_reseller(session, reseller_id)
    values = {
        "id": new_id(),
        "reseller_id": reseller.id,
        "origin_id": reseller.id,
        "reference": reference,
        "kind": new.kind.value,
        "amount": new.money.amount,
        "currency": new.money.currency,
        "paid_at": new.paid_at,
        "created_at": ctx.now,
    }
    row = queries.add(session, values)
    if row is None:
        return PostedPayment(_existing(session, reseller.id, reference), created=False)
    enqueue_recompute(ctx, session, reseller)
    return PostedPayment(row, created=True)


def _existing(session: Session, origin_id: UUID, reference: str) -> PaymentRow:
    row = queries.by_reference(session, origin_id, reference)
    if row is None:
        raise Conflict("reference_taken", "The reference is in use by another request; try again.")
    return row


def normalize_reference(text: str, loc: str = "reference") -> str:
    """Normalise a reference: NFC, surrounding spaces removed. Raises Invalid."""
    reference = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(reference) <= REFERENCE_LIMIT or not reference.isprintable():
        message = f"A reference must have 1 to {REFERENCE_LIMIT} printable characters."
        raise Invalid("invalid", message, errors=[FieldError(loc, message)])
    return reference


def reject_future(paid_at: datetime, now: datetime) -> None:
    """Raise Invalid(`in_future`) when the payment date is in the future."""
    if paid_at > now:
        message = f"The payment date is in the future; the current time is {now.isoformat()}."
        raise Invalid("in_future", message, errors=[FieldError("paid_at", message)])


def filter_by_days(
    programme: Programme,
    kind: PaymentKind | None = None,
    first: date | None = None,
    last: date | None = None,
    reference: str | None = None,
) -> PaymentFilter:
    """Build a filter from local days, both included."""
    since = day_start(first, programme.zone) if first else None
    until = day_start(last + ONE_DAY, programme.zone) if last else None
    return PaymentFilter(kind, since, until, reference)


def page(
    session: Session, reseller_id: UUID, filters: PaymentFilter, cursor: str | None = None, limit: int = 100
) -> Page[PaymentRow]:
    """Return a reseller's entries, latest arrival first. Raises Invalid on an invalid cursor."""
    return queries.page(session, reseller_id, filters, cursor, limit)
