"""Entries of an account's timeline, merged from several sources in key order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Generic, Protocol, TypeVar
from uuid import UUID

from kontor.accounts.timeline_queries import TimelineJob
from kontor.kernel.failure_causes import job_error, public_error
from kontor.kernel.paging import invalid_cursor
from kontor.offers.views import state_at
from kontor.programme.display_names import DisplayNames
from kontor.ui.formatting import money
from models.discounts import DiscountRecord
from models.fees import Charge
from models.mails import Mail
from models.offers import Offer
from models.orders import OrderRow
from models.payments import PaymentRow
from models.webhooks import DomainEvent

BETWEEN: Final = "~"
Positions = Mapping[str, str]
"""By list, the position of the last entry that was shown."""


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One row of activity. `place` is its position in its list; `about` is another account it concerns.

    `hidden`: another list has the same fact, so this one is skipped.
    """

    kind: str
    place: str
    at: datetime
    says: str
    detail: str = ""
    state: str | None = None
    link: str | None = None
    job: UUID | None = None
    about: UUID | None = None
    hidden: bool = False


class Placed(Protocol):
    """What is merged: an instant, and a position in its own list. `hidden`: another list has the same fact."""

    @property
    def place(self) -> str:
        """Its position in its list, as a cursor holds it."""

    @property
    def at(self) -> datetime:
        """When it happened."""

    @property
    def hidden(self) -> bool:
        """Whether it is skipped."""


E = TypeVar("E", bound=Placed)


@dataclass(frozen=True, slots=True)
class TimelinePage(Generic[E]):
    """Entries, newest first, and the cursor of the next page; None at the end."""

    entries: Sequence[E]
    next: str | None


def merge(lists: Mapping[str, Sequence[E]], before: Positions, limit: int) -> TimelinePage[E]:
    """Merge the newest `limit` entries; each list holds up to `limit` + 1 from its position in `before` on.

    Each list keeps its own order, whatever its timestamps, so that no entry is lost or shown twice.
    """
    reached, at = dict(before), dict.fromkeys(lists, 0)
    shown: list[E] = []
    while len(shown) < limit:
        waiting = [name for name, entries in lists.items() if at[name] < len(entries)]
        if not waiting or any(at[name] == len(entries) > limit for name, entries in lists.items()):
            break
        name = max(waiting, key=lambda key: lists[key][at[key]].at)
        entry = lists[name][at[name]]
        at[name] += 1
        reached[name] = entry.place
        if not entry.hidden:
            shown.append(entry)
    more = any(at[name] < len(entries) or len(entries) > limit for name, entries in lists.items())
    return TimelinePage(shown, format_cursor(reached) if more else None)


def format_cursor(positions: Positions) -> str:
    """Format positions as a cursor."""
    return BETWEEN.join(f"{name}:{place}" for name, place in sorted(positions.items()))


def parse_cursor(cursor: str | None, lists: Sequence[str]) -> Positions:
    """Parse a cursor. Raises Invalid for a malformed one."""
    if cursor is None:
        return {}
    pairs = [part.partition(":") for part in cursor.split(BETWEEN)]
    if any(name not in lists or not place for name, _, place in pairs):
        raise invalid_cursor()
    return {name: place for name, _, place in pairs}


SHOWN_OTHERWISE: Final = frozenset({"charge.created", "charge.credited", "payment.recorded", "payment.refunded"})
"""Events of rows that have entries of their own."""

LONG: Final = frozenset({"message", "lines", "type"})


def of_event(row: DomainEvent, names: DisplayNames) -> TimelineEntry:
    """Return the entry of a domain event; hidden when its row has an entry of its own."""
    offer, job = row.data.get("offer_id"), row.data.get("job")
    return TimelineEntry(
        kind="event",
        place=str(row.seq),
        at=row.at,
        says=row.type,
        detail=facts_text(row.data, names),
        link=f"/console/offers/{offer}" if offer else None,
        job=None if job is None else UUID(str(job)),
        about=row.account_id,
        hidden=row.type in SHOWN_OTHERWISE,
    )


def of_mail(row: Mail) -> TimelineEntry:
    """Return the entry of a logged mail."""
    return TimelineEntry(
        kind="mail",
        place=str(row.id),
        at=row.created_at,
        says=row.subject or row.template,
        detail="; ".join(part for part in ("resent" if row.repeats else "", job_error(row.reason or "")) if part),
        state=row.state,
        link=f"/console/mail/{row.id}",
        about=row.account_id,
    )


def of_offer(row: Offer, now: datetime, names: DisplayNames) -> TimelineEntry:
    """Return the entry of an offer at the time it was sent; its transitions are events."""
    lines = ", ".join(f"{line['count']} × {names.product(str(line['product']))}" for line in row.lines)
    return TimelineEntry(
        kind="offer",
        place=str(row.id),
        at=row.created_at,
        says=f"offer: {lines}",
        detail=f"delivery failed: {public_error(row.delivery_error)}" if row.delivery_error else "",
        state=state_at(row, now).value,
        link=f"/console/offers/{row.id}",
        job=row.delivery_job_id,
        about=row.account_id,
    )


def of_charge(row: Charge, names: DisplayNames) -> TimelineEntry:
    """Return the entry of a charge for a period, or of a credit for its unused days."""
    fee, total = money(str(row.fee), row.currency), money(str(row.total), row.currency)
    return TimelineEntry(
        kind="charge",
        place=f"{row.period_start.isoformat()}/{row.id}",
        at=row.created_at,
        says=f"{row.kind} {names.sold(row.product)}: {total}",
        detail=f"{row.period_start} to {row.period_end}, "
        + ("unused days paid back" if row.credits else f"{fee} less {row.percent:f} %")
        + (f"; void: {row.void_reason}" if row.void_reason else ""),
        state="void" if row.voided_at else None,
        link=f"/console/charges/{row.id}",
        about=row.account_id,
    )


def of_payment(row: PaymentRow) -> TimelineEntry:
    """Return the entry of a payment at the time it was received."""
    return TimelineEntry(
        kind="payment",
        place=str(row.id),
        at=row.created_at,
        says=f"{row.kind} of {money(str(row.amount), row.currency)}",
        detail=f"paid {row.paid_at:%Y-%m-%d %H:%M} UTC, reference {row.reference}",
        link=f"/console/payments/{row.id}",
    )


def of_order(row: OrderRow, names: DisplayNames) -> TimelineEntry:
    """Return the entry of an order with its price."""
    return TimelineEntry(
        kind="order",
        place=str(row.id),
        at=row.created_at,
        says=f"order: {row.quantity} × {names.product(row.product)}, {money(str(row.net), row.currency)}",
        detail=f"{money(str(row.list_price), row.currency)} less {row.percent:f} %, reference {row.order_ref}",
        link=f"/console/orders/{row.id}",
    )


def of_discount(row: DiscountRecord, names: DisplayNames) -> TimelineEntry:
    """Return the entry of a recorded discount."""
    return TimelineEntry(
        kind="discount",
        place=row.day.isoformat(),
        at=row.at,
        says=f"discount recorded: {names.tier(row.tier) if row.tier else 'no tier'}",
        detail=f"turnover {Decimal(row.turnover):,.2f}; " + (names.shares(row.percent) or "no percentages"),
        link=f"/console/resellers/{row.reseller_id}/discount?as_of={row.day}",
    )


def of_job(row: TimelineJob) -> TimelineEntry:
    """Return the entry of a job; one with a lane is a call to an instance or webhook endpoint."""
    attempts = f"{row.attempt} {'attempt' if row.attempt == 1 else 'attempts'}" if row.attempt else ""
    return TimelineEntry(
        kind="call" if row.lane else "job",
        place=str(row.id),
        at=row.created_at,
        says=row.task,
        detail="; ".join(part for part in (attempts, job_error(row.error) if row.error else row.reason or "") if part),
        state=row.state,
        link=f"/console/jobs/{row.id}",
    )


def facts_text(data: Mapping[str, object], names: DisplayNames) -> str:
    """List the scalar facts of an event; ids and long texts are left to its own page."""
    shown = []
    for name, value in data.items():
        if name in LONG or name in {"id", "job"} or name.endswith("_id"):
            continue
        if isinstance(value, Mapping) and set(value) == {"amount", "currency"}:
            shown.append(f"{name} {value['amount']} {value['currency']}")
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            shown.append(f"{name} {names.fact(name, value)}")
    return ", ".join(shown)
