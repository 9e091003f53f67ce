"""Transitions of an offer: made one at a time under its lock, each recorded in a keyed hash chain."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.kernel.data_keys import KeyPurpose
from kontor.kernel.errors import NotFound
from kontor.kernel.states import OfferEvent, OfferState
from kontor.offers import queries
from kontor.offers.rules import (
    CANCEL_REASONS,
    IllegalTransition,
    event_hash,
    next_effective_state,
    next_state,
)
from kontor.offers.rules import (
    verify_chain as chain_is_valid,
)
from models.offers import Offer, OfferEventRow


def lock_offer(session: Session, offer_id: UUID) -> Offer:
    """Lock and return an offer. Raises NotFound."""
    offer = queries.lock(session, offer_id)
    if offer is None:
        raise NotFound
    return offer


def insert_offer(ctx: Context, session: Session, offer: Offer, actor: str) -> None:
    """Insert a new offer and its first event."""
    offer.state = next_state(None, OfferEvent.SEND)
    session.add(offer)
    session.flush()
    _write(ctx, session, offer, OfferEvent.SEND, None, actor)


def transition(ctx: Context, session: Session, offer: Offer, event: OfferEvent, actor: str) -> None:
    """Make a transition. The caller holds the offer's lock. Raises IllegalTransition with the current state."""
    from_state = OfferState(offer.state)
    to_state = next_effective_state(from_state, event, expires_at=offer.expires_at, now=ctx.now)
    reason = CANCEL_REASONS.get(event)
    offer.state = to_state.value
    offer.reason = reason.value if reason is not None else None
    _write(ctx, session, offer, event, from_state, actor)


def try_transition(ctx: Context, session: Session, offer: Offer, event: OfferEvent, actor: str) -> bool:
    """Make a transition if the current state allows it; return whether it did."""
    try:
        transition(ctx, session, offer, event, actor)
    except IllegalTransition:
        return False
    return True


def audit_trail_intact(ctx: Context, offer: Offer, events: Sequence[OfferEventRow]) -> bool:
    """Return whether an offer's events, oldest first, are complete, unchanged and end in its state."""
    numbered = [event.number for event in events] == list(range(1, len(events) + 1))
    recorded = [(_content(event), event.hash) for event in events]
    valid = numbered and chain_is_valid(_chain_key(ctx), _snapshot(offer), recorded)
    return valid and events[-1].to_state == offer.state


def _write(
    ctx: Context, session: Session, offer: Offer, event: OfferEvent, from_state: OfferState | None, actor: str
) -> None:
    last = queries.last_event(session, offer.id)
    row = OfferEventRow(
        offer_id=offer.id,
        number=last.number + 1 if last is not None else 1,
        at=ctx.now,
        actor=actor,
        event=event.value,
        from_state=from_state.value if from_state is not None else None,
        to_state=offer.state,
        job_id=ctx.jobs.parent_id,
    )
    previous = last.hash if last is not None else None
    row.hash = event_hash(_chain_key(ctx), _snapshot(offer), previous, _content(row))
    session.add(row)
    session.flush()


def _snapshot(offer: Offer) -> dict[str, object]:
    """Return the fields of an offer that never change; its reseller is not one, because a merge changes it.

    They are part of every hash, so a new column here breaks existing chains.
    """
    return {
        "id": offer.id,
        "programme": offer.programme,
        "account_id": offer.account_id,
        "lines": offer.lines,
        "message": offer.message,
        "created_at": offer.created_at,
        "expires_at": offer.expires_at,
    }


def _content(row: OfferEventRow) -> dict[str, object]:
    return {
        "number": row.number,
        "at": row.at,
        "actor": row.actor,
        "event": row.event,
        "from": row.from_state,
        "to": row.to_state,
        "job": row.job_id,
    }


def _chain_key(ctx: Context) -> bytes:
    """Return the key of the hash chain, which a new SECRET_KEY does not change."""
    return ctx.data_key(KeyPurpose.OFFERS)
