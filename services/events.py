"""Domain events: written with what they tell of, read in order, handed to webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.ids import new_id
from engine.enqueue import Jobs
from models.accounts import Account, AccountKind
from models.events import DomainEvent
from store import events as rows

FAN_OUT: Final = "webhooks.fan_out"
PAGE: Final = 1_000


def reseller_of(account: Account) -> UUID | None:
    """Whose event it is: the client's reseller, the reseller itself, or nobody's."""
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

    `reseller_id` names whose event it is when that is not `reseller_of(account)`. `data` is JSON.
    Enqueues `webhooks.fan_out` when an endpoint listens.
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
    """`emit` for what belongs to no loaded account, such as `job.dead`."""
    drawn = rows.draw(session, reseller_id)
    event = {
        "seq": drawn.seq,
        "id": new_id(),
        "type": event_type,
        "account_id": account_id,
        "reseller_id": reseller_id,
        "programme": programme,
        "data": dict(data),
        "at": at,
    }
    rows.add(session, event)
    if drawn.heard:
        tenant = str(reseller_id) if reseller_id else ""
        jobs.enqueue(session, FAN_OUT, {"event_seq": drawn.seq}, tenant=tenant)
    return drawn.seq


def feed(
    session: Session,
    after: int = 0,
    limit: int = 100,
    *,
    reseller_id: UUID | None = None,
    account_id: UUID | None = None,
) -> Sequence[DomainEvent]:
    """Events behind number `after`, oldest first; none is ever skipped by reading on from the last."""
    bounded = max(1, min(limit, PAGE))
    return rows.after(session, after, bounded, reseller_id=reseller_id, account_id=account_id)


def document(event: DomainEvent) -> dict[str, Any]:
    """The JSON shape of an event in `GET /v1/events`; times are aware."""
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
