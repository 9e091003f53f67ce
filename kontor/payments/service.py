"""Payments of resellers: posted once per reference, never changed."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.account_book import service as account_book
from kontor.accounts.locks import share_lock_any
from kontor.context import Context
from kontor.discounts.daily_run import enqueue_recompute
from kontor.kernel.errors import Conflict, FieldError, Invalid, NotFound
from kontor.kernel.ids import new_id
from kontor.kernel.money import Money
from kontor.kernel.paging import Page
from kontor.kernel.periods import ONE_DAY
from kontor.kernel.states import PaymentKind
from kontor.kernel.zones import day_start
from kontor.payments import queries
from kontor.payments.payment_events import event_of
from kontor.payments.queries import PaymentFilter
from kontor.programme.model import Programme
from kontor.webhooks import events
from models.accounts import Account, AccountKind
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
    """The entry with a reference; `created` is False when it existed before, `differs` names what it has otherwise."""

    row: PaymentRow
    created: bool
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PaymentReceiver:
    """The account that a payment was posted to, and the one it counts for, both under a share lock."""

    origin: Account
    counted: Account

    @property
    def is_reseller(self) -> bool:
        """Whether a discount depends on it now; a former reseller's counts when it becomes one again."""
        return self.counted.kind == AccountKind.RESELLER and self.counted.deleted_at is None


def receiver_of(session: Session, account_id: UUID) -> PaymentReceiver:
    """Follow the merges of a reseller, a former one or a deleted one: money facts are always taken (programme.md 6.3).

    Raises NotFound, Conflict(`not_a_reseller`) for an account that never was one.
    """
    origin = counted = share_lock_any(session, account_id)
    if origin.kind != AccountKind.RESELLER and origin.terms_accepted_at is None and origin.merged_into is None:
        raise Conflict("not_a_reseller", "The account is not a reseller.", state=origin.kind)
    while counted.kind != AccountKind.RESELLER and counted.merged_into is not None:
        counted = share_lock_any(session, counted.merged_into)
    return PaymentReceiver(origin, counted)


def post(ctx: Context, session: Session, reseller_id: UUID, new: NewPayment) -> PostedPayment:
    """Post a payment and enqueue the recomputation of the discount; a known reference changes nothing.

    Also of a former, merged or deleted reseller. Raises NotFound, Conflict(`not_a_reseller`), Invalid(`in_future`,
    `reference`).
    """
    reference = normalize_reference(new.reference)
    receiver = receiver_of(session, reseller_id)
    origin_id, counted_for = receiver.origin.id, receiver.counted.id
    earlier = queries.by_reference(session, origin_id, counted_for, reference)
    if earlier is not None:
        return PostedPayment(earlier, created=False, differs=differences(earlier, new))
    reject_future(new.paid_at, ctx.now)
    values = {
        "id": new_id(),
        "reseller_id": counted_for,
        "origin_id": origin_id,
        "reference": reference,
        "kind": new.kind.value,
        "amount": new.money.amount,
        "currency": new.money.currency,
        "paid_at": new.paid_at,
        "created_at": ctx.now,
    }
    row = queries.add(session, values)
    if row is None:
        row = _existing(session, origin_id, counted_for, reference)
        return PostedPayment(row, created=False, differs=differences(row, new))
    if receiver.is_reseller:
        enqueue_recompute(ctx, session, receiver.counted)
        falling = new.kind is not PaymentKind.PAYMENT
        programme = ctx.programme_of(session, receiver.counted)
        account_book.check_balances(ctx, session, programme, [counted_for], falling=falling)
    events.emit_many(session, ctx.jobs, [event_of(receiver.counted, row)], at=ctx.now)
    return PostedPayment(row, created=True)


def differences(row: PaymentRow, new: NewPayment) -> tuple[str, ...]:
    """Return the fields in which a repeat of a reference differs from its entry."""
    pairs = {
        "kind": (row.kind, new.kind.value),
        "amount": (Money(row.amount, row.currency), new.money),
        "paid_at": (row.paid_at, new.paid_at),
    }
    return tuple(name for name, (before, now) in pairs.items() if before != now)


def _existing(session: Session, origin_id: UUID, counted_for: UUID, reference: str) -> PaymentRow:
    row = queries.by_reference(session, origin_id, counted_for, reference)
    if row is None:
        raise Conflict("reference_taken", "The reference is in use by another request; try again.")
    return row


def get(session: Session, payment_id: UUID) -> PaymentRow:
    """Return one entry. Raises NotFound."""
    row = queries.by_id(session, payment_id)
    if row is None:
        raise NotFound(message="There is no such payment.")
    return row


def programme_of(ctx: Context, session: Session, account_id: UUID) -> Programme:
    """Return an account's programme, also of one deleted for good. Raises NotFound."""
    code = queries.programme_code(session, account_id)
    if code is None:
        raise NotFound(message="There is no such reseller.")
    return ctx.programme(session, code)


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
    session: Session, reseller_id: UUID | None, filters: PaymentFilter, cursor: str | None = None, limit: int = 100
) -> Page[PaymentRow]:
    """Return a reseller's entries, or (None) those of all, latest arrival first. Raises Invalid for its cursor."""
    return queries.page(session, reseller_id, filters, cursor, limit)
