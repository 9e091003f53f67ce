"""Transitions of an offer: made one at a time under its lock, each recorded in a keyed hash chain."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy.orm import Session

from kontor.audit import Actor, record
from kontor.context import Context
from kontor.kernel.data_keys import KeyPurpose
from kontor.kernel.errors import NotFound
from kontor.kernel.states import OfferEvent, OfferState
from kontor.offers import queries
from kontor.offers.evidence import SaltedEvidence, salted_digest
from kontor.offers.rules import (
    CANCEL_REASONS,
    IllegalTransition,
    event_hash,
    first_invalid,
    next_effective_state,
    next_state,
)
from kontor.offers.rules import (
    verify_chain as chain_is_valid,
)
from models.offers import Offer, OfferEventRow

CHAINS: Final = 500
"""Offers whose chains are verified at once."""


def lock_offer(session: Session, offer_id: UUID) -> Offer:
    """Lock and return an offer. Raises NotFound."""
    offer = queries.lock(session, offer_id)
    if offer is None:
        raise NotFound
    return offer


def insert_offer(ctx: Context, session: Session, offer: Offer, actor: str) -> None:
    """Insert a new offer and its first event."""
    offer.state = next_state(None, OfferEvent.SEND)
    offer.message_salt = secrets.token_hex(16)
    offer.message_digest = salted_digest(offer.message, offer.message_salt)
    session.add(offer)
    session.flush()
    _write(ctx, session, offer, OfferEvent.SEND, None, actor)


def transition(
    ctx: Context,
    session: Session,
    offer: Offer,
    event: OfferEvent,
    actor: str,
    evidence: SaltedEvidence | None = None,
) -> None:
    """Make a transition. The caller holds the offer's lock. Raises IllegalTransition with the current state."""
    from_state = OfferState(offer.state)
    to_state = next_effective_state(from_state, event, expires_at=queries.end_of(offer), now=ctx.now)
    reason = CANCEL_REASONS.get(event)
    offer.state = to_state.value
    offer.reason = reason.value if reason is not None else None
    _write(ctx, session, offer, event, from_state, actor, evidence)


def try_transition(ctx: Context, session: Session, offer: Offer, event: OfferEvent, actor: str) -> bool:
    """Make a transition if the current state allows it; return whether it did."""
    try:
        transition(ctx, session, offer, event, actor)
    except IllegalTransition:
        return False
    return True


def audit_trail_intact(ctx: Context, offer: Offer, events: Sequence[OfferEventRow]) -> bool:
    """Return whether an offer's events, oldest first, are complete, unchanged and end in its state."""
    return first_broken_event(_chain_key(ctx), offer, events) is None


def first_broken_event(key: bytes, offer: Offer, events: Sequence[OfferEventRow]) -> int | None:
    """Return the number of the first event that is missing or not as Kontor wrote it; None if the chain is intact.

    It is the number after the last event if the offer's state is not that of its last event.
    """
    missing = next((number for number, event in enumerate(events, 1) if event.number != number), None)
    recorded = [(_content(event), event.hash) for event in events]
    former = None if offer.message_digest is None else _snapshot(offer, with_text=True)
    invalid = first_invalid(key, _snapshot(offer), recorded, former)
    numbers = [number for number in (missing, None if invalid is None else invalid + 1) if number is not None]
    if not _matches((offer.message, offer.message_salt, offer.message_digest)):
        numbers.append(1)
    texts = [(event.evidence, event.evidence_salt, event.evidence_digest) for event in events]
    numbers += [number for number, text in enumerate(texts, 1) if not _matches(text)][:1]
    if not events or events[-1].to_state != offer.state:
        numbers.append(len(events) + 1)
    return min(numbers, default=None)


@dataclass(frozen=True, slots=True)
class BrokenChain:
    """An offer whose chain of events does not verify, and the number of the first event that is not as it was."""

    offer_id: UUID
    event: int


@dataclass(frozen=True, slots=True)
class CheckedChains:
    """How many offers' chains were verified, and those that are broken."""

    offers: int
    broken: list[BrokenChain]


def verify_chains(session: Session, key: bytes) -> CheckedChains:
    """Verify the chain of every offer in the caller's transaction, a page of offers at a time."""
    count, broken, after = 0, [], None
    while page := queries.offers_after(session, after, CHAINS):
        events = queries.events(session, [offer.id for offer in page])
        for offer in page:
            number = first_broken_event(key, offer, events[offer.id])
            broken += [] if number is None else [BrokenChain(offer.id, number)]
        count, after = count + len(page), page[-1].id
        session.expunge_all()
    return CheckedChains(count, broken)


def _write(
    ctx: Context,
    session: Session,
    offer: Offer,
    event: OfferEvent,
    from_state: OfferState | None,
    actor: str,
    evidence: SaltedEvidence | None = None,
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
    if evidence is not None:
        row.evidence, row.evidence_salt, row.evidence_digest = evidence.values, evidence.salt, evidence.digest
    previous = last.hash if last is not None else None
    row.hash = event_hash(_chain_key(ctx), _snapshot(offer), previous, _content(row))
    session.add(row)
    session.flush()


def anchor_again(ctx: Context, session: Session, offer: Offer) -> None:
    """Make a chain that holds the message's text hold its digest instead, so that the text can be erased.

    A chain that does not verify stays as it is. The audit log keeps the last hash of before and after.
    """
    events, key = queries.events(session, [offer.id])[offer.id], _chain_key(ctx)
    if chain_is_valid(key, _snapshot(offer), [(_content(event), event.hash) for event in events]):
        if offer.message_digest is not None:
            return
    elif not audit_trail_intact(ctx, offer, events):
        return
    former, previous = events[-1].hash, None
    if offer.message_digest is None:
        offer.message_salt = secrets.token_hex(16)
        offer.message_digest = salted_digest(offer.message, offer.message_salt)
    for event in events:
        event.hash = previous = event_hash(key, _snapshot(offer), previous, _content(event))
    detail = {"from": former, "to": previous}
    record(session, Actor("kontor"), "offer.anchored", f"offer:{offer.id}", at=ctx.now, detail=detail, aside=True)


def _matches(text: tuple[JsonValue, str | None, str | None]) -> bool:
    """Return whether a text is what its digest in the chain says; erased, it is gone with its salt."""
    value, salt, digest = text
    if digest is None:
        return salt is None
    return value is None if salt is None else salted_digest(value, salt) == digest


def _snapshot(offer: Offer, *, with_text: bool = False) -> dict[str, object]:
    """Return the fields of an offer that never change; its reseller is not one, because a merge changes it.

    They are part of every hash, so a new column here breaks existing chains. Of the message they have the salted
    digest, so that it can be erased; chains of before the digest have its text, and so have events that the release
    of before writes while it is replaced.
    """
    digested = offer.message_digest is not None and not with_text
    said = {"message_digest": offer.message_digest} if digested else {"message": offer.message}
    return said | {
        "id": offer.id,
        "programme": offer.programme,
        "account_id": offer.account_id,
        "lines": offer.lines,
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
        **({} if row.evidence_digest is None else {"evidence": row.evidence_digest}),
    }


def _chain_key(ctx: Context) -> bytes:
    """Return the key of the hash chain, which a new SECRET_KEY does not change."""
    return ctx.data_key(KeyPurpose.OFFERS)
