"""What happened to an account, in a line each."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from console.merging import Entry
from console.words import money
from models.discounts import DiscountRecord
from models.events import DomainEvent
from models.fees import Charge
from models.mails import Mail
from models.offers import Offer
from models.orders import OrderRow
from models.payments import PaymentRow
from services.offer_documents import seen_state
from store.timelines import JobLine

CHARGED: Final = "charge.created"
LONG: Final = frozenset({"message", "lines", "type"})


def of_event(row: DomainEvent) -> Entry:
    """A domain event; a charge tells of itself."""
    offer, job = row.data.get("offer_id"), row.data.get("job")
    return Entry(
        kind="event",
        place=str(row.seq),
        at=row.at,
        says=row.type,
        detail=told(row.data),
        link=f"/console/offers/{offer}" if offer else None,
        job=None if job is None else UUID(str(job)),
        about=row.account_id,
        hidden=row.type == CHARGED,
    )


def of_mail(row: Mail) -> Entry:
    """A mail of the log."""
    return Entry(
        kind="mail",
        place=str(row.id),
        at=row.created_at,
        says=row.subject or row.template,
        detail="; ".join(part for part in ("sent again" if row.repeats else "", row.reason or "") if part),
        state=row.state,
        link=f"/console/mail/{row.id}",
        about=row.account_id,
    )


def of_offer(row: Offer, now: datetime) -> Entry:
    """An offer, where it was sent; its arrows are events."""
    lines = ", ".join(f"{line['count']} {line['product']}" for line in row.lines)
    return Entry(
        kind="offer",
        place=str(row.id),
        at=row.created_at,
        says=f"offer of {lines}",
        detail=f"delivery: {row.delivery_error}" if row.delivery_error else "",
        state=seen_state(row, now).value,
        link=f"/console/offers/{row.id}",
        job=row.delivery_job_id,
        about=row.account_id,
    )


def of_charge(row: Charge) -> Entry:
    """What a period cost, and who paid."""
    fee, total = money(str(row.fee), row.currency), money(str(row.total), row.currency)
    return Entry(
        kind="charge",
        place=f"{row.period_start.isoformat()}/{row.id}",
        at=row.created_at,
        says=f"{row.kind} {row.product}: {total}",
        detail=f"{row.period_start} to {row.period_end}, {fee} less {row.percent:f} %"
        + (f"; void: {row.void_reason}" if row.void_reason else ""),
        state="void" if row.voided_at else None,
        about=row.account_id,
    )


def of_payment(row: PaymentRow) -> Entry:
    """An entry of the ledger, where it arrived."""
    return Entry(
        kind="payment",
        place=str(row.id),
        at=row.created_at,
        says=f"{row.kind} of {money(str(row.amount), row.currency)}",
        detail=f"paid {row.paid_at:%Y-%m-%d %H:%M} UTC, reference {row.reference}",
        link=f"/console/resellers/{row.reseller_id}/discount",
    )


def of_order(row: OrderRow) -> Entry:
    """A product at its price."""
    return Entry(
        kind="order",
        place=str(row.id),
        at=row.created_at,
        says=f"order of {row.quantity} {row.product}: {money(str(row.net), row.currency)}",
        detail=f"{money(str(row.list_price), row.currency)} less {row.percent:f} %, reference {row.order_ref}",
        link=f"/console/resellers/{row.reseller_id}/discount?as_of={row.as_of}",
    )


def of_discount(row: DiscountRecord) -> Entry:
    """A discount, where it was recorded."""
    return Entry(
        kind="discount",
        place=row.day.isoformat(),
        at=row.at,
        says=f"discount recorded: {row.tier or 'no tier'}",
        detail=f"turnover {Decimal(row.turnover):,.2f}; " + shares(row.percent),
        link=f"/console/resellers/{row.reseller_id}/discount?as_of={row.day}",
    )


def of_job(row: JobLine) -> Entry:
    """A job; one in a lane is a call to an instance or endpoint."""
    tries = f"{row.attempt} {'try' if row.attempt == 1 else 'tries'}" if row.attempt else ""
    return Entry(
        kind="call" if row.lane else "job",
        place=str(row.id),
        at=row.created_at,
        says=row.task,
        detail="; ".join(part for part in (tries, row.error or row.reason or "") if part),
        state=row.state,
        link=f"/console/jobs/{row.id}",
    )


def told(data: Mapping[str, Any]) -> str:
    """The plain facts of an event; ids and long texts stay on its own page."""
    shown = []
    for name, value in data.items():
        if name in LONG or name in {"id", "job"} or name.endswith("_id"):
            continue
        if isinstance(value, Mapping) and set(value) == {"amount", "currency"}:
            shown.append(f"{name} {value['amount']} {value['currency']}")
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            shown.append(f"{name} {value}")
    return ", ".join(shown)


def shares(percent: Mapping[str, Any]) -> str:
    """Percentages by family."""
    named = (("all" if family == "*" else family, share) for family, share in percent.items())
    return ", ".join(f"{family} {share} %" for family, share in named) or "no percentages"
