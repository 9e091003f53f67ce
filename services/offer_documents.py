"""Offers in the JSON shapes of the API, webhooks and pages."""

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
    """Return the effective state at `now`: an open offer past its expiry is cancelled."""
    return effective_state(OfferState(offer.state), offer.expires_at, now)


def seen_reason(offer: Offer, now: datetime) -> str | None:
    """Return the effective reason for cancellation at `now`, if any."""
    expired = seen_state(offer, now) is not OfferState(offer.state)
    return CancelReason.EXPIRED.value if expired else offer.reason


def zones_of(session: Session, offers: Sequence[Offer]) -> dict[UUID, ZoneInfo]:
    """Return the time zones, by account, in which the terms of the offers are counted."""
    accounts = rows.accounts(session, list({offer.account_id for offer in offers}))
    return {account_id: zone(account.timezone) for account_id, account in accounts.items()}


def change_documents(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """Return changes as `[{product, now, then}]`."""
    return [{"product": change.product, "now": change.now, "then": change.then} for change in changes]


def current_changes(session: Session, offer: Offer, now: datetime) -> list[dict[str, Any]]:
    """Return the changes an acceptance would make now; for a closed offer, those stored when it was closed."""
    if offer.changes is not None:
        return offer.changes
    computed = licences.changes(session, [offer], zones_of(session, [offer]), now)
    return change_documents(computed[offer.id])


def keep_changes(session: Session, offer: Offer, now: datetime) -> None:
    """Store the changes an acceptance would make now; call it before closing the offer."""
    offer.changes = current_changes(session, offer, now)


def documents(session: Session, offers: Sequence[Offer], now: datetime) -> list[dict[str, Any]]:
    """Return the JSON shape of each offer; times are aware, ids are UUIDs."""
    open_offers = [offer for offer in offers if offer.changes is None]
    computed = licences.changes(session, open_offers, zones_of(session, open_offers), now)
    events = rows.events(session, [offer.id for offer in offers])
    return [_document(offer, now, computed.get(offer.id, ()), events[offer.id]) for offer in offers]


def document(session: Session, offer: Offer, now: datetime) -> dict[str, Any]:
    """Return the JSON shape of one offer."""
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
    """Return an offer as the JSON data of calls to instances and webhook endpoints."""
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
    """Return the JSON shape of one transition."""
    return {
        "at": event.at,
        "actor": event.actor,
        "event": event.event,
        "from": event.from_state,
        "to": event.to_state,
        "job": event.job_id,
        "hash": event.hash,
    }
