"""The arrows of an offer: taken one at a time under its lock, each written into a keyed chain."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import NotFound
from domain.offers import (
    CANCEL_REASONS,
    IllegalTransition,
    OfferEvent,
    OfferState,
    event_hash,
    next_state,
    step,
)
from domain.offers import verify_chain as chain_holds
from engine.enqueue import Jobs
from models.offers import Offer, OfferEventRow
from services.programmes import Programmes
from store import offers as rows


@dataclass(frozen=True, slots=True)
class OfferBook:
    """What every use case of offers works with; `secret` keys the chain of events."""

    jobs: Jobs
    secret: bytes = field(repr=False)
    programmes: Programmes = field(default_factory=Programmes)

    @property
    def now(self) -> datetime:
        """Programme time, aware, UTC."""
        return self.jobs.clock.now()

    @property
    def chain_key(self) -> bytes:
        """The key of the chain, of no use for anything else."""
        return hmac.new(self.secret, b"kontor offer events", hashlib.sha256).digest()

    def within(self, jobs: Jobs) -> OfferBook:
        """The same book in the hands of a job, whose id its events and follow-up jobs carry."""
        return replace(self, jobs=jobs)


def locked(session: Session, offer_id: UUID) -> Offer:
    """The offer under its row lock. Raises NotFound."""
    offer = rows.lock(session, offer_id)
    if offer is None:
        raise NotFound
    return offer


def begin(book: OfferBook, session: Session, offer: Offer, actor: str) -> None:
    """Write a new offer and its first arrow."""
    offer.state = next_state(None, OfferEvent.SEND)
    session.add(offer)
    session.flush()
    _write(book, session, offer, OfferEvent.SEND, None, actor)


def move(book: OfferBook, session: Session, offer: Offer, event: OfferEvent, actor: str) -> None:
    """Take an arrow. The caller holds the offer's lock. Raises IllegalTransition with the state met."""
    before = OfferState(offer.state)
    after = step(before, event, expires_at=offer.expires_at, now=book.now)
    reason = CANCEL_REASONS.get(event)
    offer.state = after.value
    offer.reason = reason.value if reason is not None else None
    _write(book, session, offer, event, before, actor)


def try_move(book: OfferBook, session: Session, offer: Offer, event: OfferEvent, actor: str) -> bool:
    """Take an arrow if there is one; tell whether there was."""
    try:
        move(book, session, offer, event, actor)
    except IllegalTransition:
        return False
    return True


def chain_verifies(book: OfferBook, offer: Offer, events: Sequence[OfferEventRow]) -> bool:
    """Whether an offer's events, oldest first, are complete, unchanged and end where the offer stands."""
    numbered = [event.number for event in events] == list(range(1, len(events) + 1))
    recorded = [(_content(event), event.hash) for event in events]
    sound = numbered and chain_holds(book.chain_key, _snapshot(offer), recorded)
    return sound and events[-1].to_state == offer.state


def _write(
    book: OfferBook, session: Session, offer: Offer, event: OfferEvent, before: OfferState | None, actor: str
) -> None:
    last = rows.last_event(session, offer.id)
    row = OfferEventRow(
        offer_id=offer.id,
        number=last.number + 1 if last is not None else 1,
        at=book.now,
        actor=actor,
        event=event.value,
        from_state=before.value if before is not None else None,
        to_state=offer.state,
        job_id=book.jobs.parent_id,
    )
    previous = last.hash if last is not None else None
    row.hash = event_hash(book.chain_key, _snapshot(offer), previous, _content(row))
    session.add(row)
    session.flush()


def _snapshot(offer: Offer) -> dict[str, Any]:
    """What never changes in an offer; its reseller does, by a merge."""
    return {
        "id": offer.id,
        "programme": offer.programme,
        "account_id": offer.account_id,
        "lines": offer.lines,
        "message": offer.message,
        "created_at": offer.created_at,
        "expires_at": offer.expires_at,
    }


def _content(row: OfferEventRow) -> dict[str, Any]:
    return {
        "number": row.number,
        "at": row.at,
        "actor": row.actor,
        "event": row.event,
        "from": row.from_state,
        "to": row.to_state,
        "job": row.job_id,
    }
