"""Offers as the API, webhooks and pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from domain.licences import Change
from domain.offers import CancelReason, OfferState, effective_state
from domain.webhooks import wire_time
from domain.zones import zone
from models.offers import Offer, OfferEventRow
from services import licences
from store import offers as rows


def seen_state(offer: Offer, now: datetime) -> OfferState:
    """The state a read sees at `now`."""
    return effective_state(OfferState(offer.state), offer.expires_at, now)


def seen_reason(offer: Offer, now: datetime) -> str | None:
    """Why a read sees it cancelled."""
    overdue = seen_state(offer, now) is not OfferState(offer.state)
    return CancelReason.EXPIRED.value if overdue else offer.reason


def zones_of(session: Session, offers: Sequence[Offer]) -> dict[UUID, ZoneInfo]:
    """The time zone of each offer's account, in which its terms are counted."""
    accounts = rows.accounts(session, list({offer.account_id for offer in offers}))
    return {account_id: zone(account.timezone) for account_id, account in accounts.items()}


def change_documents(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """`[{product, now, then}]`."""
    return [{"product": change.product, "now": change.now, "then": change.then} for change in changes]


def current_changes(session: Session, offer: Offer, now: datetime) -> list[dict[str, Any]]:
    """What accepting would change now, or, of a closed offer, what it was to change."""
    if offer.changes is not None:
        return offer.changes
    computed = licences.changes(session, [offer], zones_of(session, [offer]), now)
    return change_documents(computed[offer.id])


def keep_changes(session: Session, offer: Offer, now: datetime) -> None:
    """Keep what the offer was to change at this moment, before it is closed."""
    offer.changes = current_changes(session, offer, now)


def documents(session: Session, offers: Sequence[Offer], now: datetime) -> list[dict[str, Any]]:
    """The contract's shape of each offer; times are aware, ids are UUIDs."""
    undecided = [offer for offer in offers if offer.changes is None]
    computed = licences.changes(session, undecided, zones_of(session, undecided), now)
    events = rows.events(session, [offer.id for offer in offers])
    return [_document(offer, now, computed.get(offer.id, ()), events[offer.id]) for offer in offers]


def document(session: Session, offer: Offer, now: datetime) -> dict[str, Any]:
    """The contract's shape of one offer."""
    return documents(session, [offer], now)[0]


def _document(
    offer: Offer, now: datetime, computed: Sequence[Change], events: Sequence[OfferEventRow]
) -> dict[str, Any]:
    return {
        "id": offer.id,
        "programme": offer.programme,
        "reseller_id": offer.reseller_id,
        "account_id": offer.account_id,
        "template_id": offer.template_id,
        "state": seen_state(offer, now).value,
        "reason": seen_reason(offer, now),
        "message": offer.message,
        "lines": offer.lines,
        "expires_at": offer.expires_at,
        "created_at": offer.created_at,
        "decided_at": offer.decided_at,
        "decided_by": offer.decided_by,
        "delivery": {
            "attempts": offer.delivery_attempts,
            "last_error": offer.delivery_error,
            "delivered_at": offer.delivered_at,
            "job_id": offer.delivery_job_id,
        },
        "grant": {"state": offer.grant_state, "last_error": offer.grant_error},
        "changes": offer.changes if offer.changes is not None else change_documents(computed),
        "events": [event_document(event) for event in events],
    }


def told(offer: Offer, now: datetime) -> dict[str, Any]:
    """What an instance or a webhook endpoint is told of an offer, as JSON."""
    return {
        "offer_id": str(offer.id),
        "programme": offer.programme,
        "reseller_id": str(offer.reseller_id),
        "account_id": str(offer.account_id),
        "state": seen_state(offer, now).value,
        "reason": seen_reason(offer, now),
        "message": offer.message,
        "lines": offer.lines,
        "expires_at": wire_time(offer.expires_at),
    }


def event_document(event: OfferEventRow) -> dict[str, Any]:
    """One arrow: who, when, from, to, by which job, and its hash."""
    return {
        "at": event.at,
        "actor": event.actor,
        "event": event.event,
        "from": event.from_state,
        "to": event.to_state,
        "job": event.job_id,
        "hash": event.hash,
    }
