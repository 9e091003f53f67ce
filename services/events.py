"""Domain events: written in the transaction they report, read in order, sent to webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.ids import new_id
from engine.enqueue import Jobs, Request
from models.accounts import Account, AccountKind
from models.events import DomainEvent
from store import events as rows

FAN_OUT: Final = "webhooks.fan_out"
PAGE: Final = 1_000


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to write; `data` is JSON."""

    type: str
    data: Mapping[str, Any]
    account_id: UUID | None
    reseller_id: UUID | None
    programme: str | None


def reseller_of(account: Account) -> UUID | None:
    """Return the reseller that owns an account's events: a client's reseller, a reseller itself, or None."""
    return account.id if account.kind == AccountKind.RESELLER else account.reseller_id


def emit(
    session: Session,
    jobs: Jobs,
    event_type: str,
    account: Account,
    data: Mapping[str, Any],
    *,
    at: datetime,
    reseller_id: UUID | None = None,
) -> int:
    """Write an event in the caller's transaction; return its number in the feed.

    `reseller_id` owns the event, by default `reseller_of(account)`. `data` is JSON. Enqueues
    `webhooks.fan_out` when an endpoint is subscribed.
    """
    owner = reseller_id or reseller_of(account)
    return emit_for(
        session,
        jobs,
        event_type,
        data,
        at=at,
        account_id=account.id,
        reseller_id=owner,
        programme=account.programme,
    )


def emit_for(
    session: Session,
    jobs: Jobs,
    event_type: str,
    data: Mapping[str, Any],
    *,
    at: datetime,
    account_id: UUID | None = None,
    reseller_id: UUID | None = None,
    programme: str | None = None,
) -> int:
    """Write an event as `emit` does, without a loaded account (such as `job.dead`)."""
    number = rows.draw(session, reseller_id)
    rows.add(session, _values(NewEvent(event_type, data, account_id, reseller_id, programme), number.seq, at))
    if number.has_listeners:
        tenant = str(reseller_id) if reseller_id else ""
        jobs.enqueue(session, FAN_OUT, {"event_seq": number.seq}, tenant=tenant)
    return number.seq


def emit_many(session: Session, jobs: Jobs, new_events: Sequence[NewEvent], *, at: datetime) -> list[int]:
    """Write many events in the order given, in a few statements, as `emit_for` does; return their numbers."""
    if not new_events:
        return []
    first = rows.draw(session, None).seq
    seqs = [first, *rows.draw_more(session, len(new_events) - 1)]
    rows.add_many(session, [_values(event, seq, at) for event, seq in zip(new_events, seqs, strict=True)])
    listening = rows.listeners(session)
    requests = [
        Request(FAN_OUT, {"event_seq": seq}, tenant=str(event.reseller_id or ""))
        for event, seq in zip(new_events, seqs, strict=True)
        if None in listening or event.reseller_id in listening
    ]
    if requests:
        jobs.put_many(session, requests)
    return seqs


def _values(event: NewEvent, seq: int, at: datetime) -> dict[str, Any]:
    return {
        "seq": seq,
        "id": new_id(),
        "type": event.type,
        "account_id": event.account_id,
        "reseller_id": event.reseller_id,
        "programme": event.programme,
        "data": dict(event.data),
        "at": at,
    }


def feed(
    session: Session,
    after: int = 0,
    limit: int = 100,
    *,
    reseller_id: UUID | None = None,
    account_id: UUID | None = None,
) -> Sequence[DomainEvent]:
    """Return events after number `after`, oldest first; continuing from the last one never skips an event."""
    page_size = max(1, min(limit, PAGE))
    return rows.after(session, after, page_size, reseller_id=reseller_id, account_id=account_id)


def document(event: DomainEvent) -> dict[str, Any]:
    """Return the JSON shape of an event in `GET /v1/events`; times are aware."""
    return {
        "seq": event.seq,
        "id": event.id,
        "type": event.type,
        "account_id": event.account_id,
        "reseller_id": event.reseller_id,
        "programme": event.programme,
        "at": event.at,
        "data": event.data,
    }
