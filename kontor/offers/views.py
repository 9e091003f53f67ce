"""Offers as the API, webhooks, instances and pages show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from kontor.kernel.states import CancelReason, OfferState
from kontor.kernel.zones import zone
from kontor.licences import service as licences
from kontor.licences.rules import CountChange
from kontor.offers import queries
from kontor.offers.rules import effective_state
from kontor.webhooks.signing import message_body, wire_time
from models.offers import Offer, OfferEventRow


def state_at(offer: Offer, now: datetime) -> OfferState:
    """Return the effective state at `now`: an open offer past its expiry is cancelled."""
    return effective_state(OfferState(offer.state), offer.expires_at, now)


def reason_at(offer: Offer, now: datetime) -> str | None:
    """Return the effective reason for cancellation at `now`, if any."""
    expired = state_at(offer, now) is not OfferState(offer.state)
    return CancelReason.EXPIRED.value if expired else offer.reason


def account_zones(session: Session, offers: Sequence[Offer]) -> dict[UUID, ZoneInfo]:
    """Return the time zones, by account, in which the terms of the offers are counted."""
    accounts = queries.accounts(session, list({offer.account_id for offer in offers}))
    return {account_id: zone(account.timezone) for account_id, account in accounts.items()}


def changes_to_dicts(changes: Sequence[CountChange]) -> list[dict[str, Any]]:
    """Return changes as `[{product, now, then}]`."""
    return [{"product": change.product, "now": change.now, "then": change.then} for change in changes]


def current_changes(session: Session, offer: Offer, now: datetime) -> list[dict[str, Any]]:
    """Return the changes an acceptance would make now; for a closed offer, those stored when it was closed."""
    if offer.changes is not None:
        return offer.changes
    computed = licences.preview_changes(session, [offer], account_zones(session, [offer]), now)
    return changes_to_dicts(computed[offer.id])


def freeze_changes(session: Session, offer: Offer, now: datetime) -> None:
    """Store the changes an acceptance would make now; call it before closing the offer."""
    offer.changes = current_changes(session, offer, now)


def offers_to_dicts(session: Session, offers: Sequence[Offer], now: datetime) -> list[dict[str, Any]]:
    """Return the JSON shape of each offer; times are aware, ids are UUIDs."""
    open_offers = [offer for offer in offers if offer.changes is None]
    computed = licences.preview_changes(session, open_offers, account_zones(session, open_offers), now)
    events = queries.events(session, [offer.id for offer in offers])
    return [_document(offer, now, computed.get(offer.id, ()), events[offer.id]) for offer in offers]


def offer_to_dict(session: Session, offer: Offer, now: datetime) -> dict[str, Any]:
    """Return the JSON shape of one offer."""
    return offers_to_dicts(session, [offer], now)[0]


def _document(
    offer: Offer, now: datetime, computed: Sequence[CountChange], events: Sequence[OfferEventRow]
) -> dict[str, Any]:
    return {
        "id": offer.id,
        "programme": offer.programme,
        "reseller_id": offer.reseller_id,
        "account_id": offer.account_id,
        "template_id": offer.template_id,
        "state": state_at(offer, now).value,
        "reason": reason_at(offer, now),
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
        "changes": offer.changes if offer.changes is not None else changes_to_dicts(computed),
        "events": [offer_event_to_dict(event) for event in events],
    }


def event_payload(offer: Offer, now: datetime) -> dict[str, Any]:
    """Return an offer as the JSON data of calls to instances and webhook endpoints."""
    return {
        "offer_id": str(offer.id),
        "programme": offer.programme,
        "reseller_id": str(offer.reseller_id),
        "account_id": str(offer.account_id),
        "state": state_at(offer, now).value,
        "reason": reason_at(offer, now),
        "message": offer.message,
        "lines": offer.lines,
        "expires_at": wire_time(offer.expires_at),
    }


def offer_event_to_dict(event: OfferEventRow) -> dict[str, Any]:
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


@dataclass(frozen=True, slots=True)
class InstanceMessage:
    """A message body and its `webhook-id`."""

    webhook_id: str
    body: bytes


def delivered_message(offer: Offer, now: datetime) -> InstanceMessage:
    """Build `offer.delivered`."""
    return InstanceMessage(
        f"offer_{offer.id.hex}_delivered",
        message_body("offer.delivered", offer.created_at, event_payload(offer, now)),
    )


def withdrawn_message(session: Session, offer: Offer, now: datetime) -> InstanceMessage:
    """Build `offer.withdrawn`; `data.reason` is the reason."""
    last = queries.last_event(session, offer.id)
    at = last.at if last is not None else now
    return InstanceMessage(
        f"offer_{offer.id.hex}_withdrawn", message_body("offer.withdrawn", at, event_payload(offer, now))
    )


def granted_message(offer: Offer, licences: Sequence[Mapping[str, Any]], now: datetime) -> InstanceMessage:
    """Build `licences.granted` after an acceptance: totals per product as of `now`."""
    data = granted_data(offer.account_id, "accepted", licences, now) | {"offer_id": str(offer.id)}
    return InstanceMessage(f"licences_{offer.id.hex}_granted", message_body("licences.granted", now, data))


def ended_message(
    account_id: UUID, ends_at: datetime, licences: Sequence[Mapping[str, Any]], now: datetime
) -> InstanceMessage:
    """Build `licences.granted` after grants ended at `ends_at`."""
    instant = ends_at.astimezone(UTC).strftime("%Y%m%dT%H%M%S%f")
    data = granted_data(account_id, "ended", licences, now)
    return InstanceMessage(f"licences_{account_id.hex}_ended_{instant}", message_body("licences.granted", now, data))


def granted_data(account_id: UUID, reason: str, licences: Sequence[Mapping[str, Any]], now: datetime) -> dict[str, Any]:
    """Return the data of `licences.granted`, as JSON."""
    totals = [
        {**item, "expires_at": None if item["expires_at"] is None else wire_time(item["expires_at"])}
        for item in licences
    ]
    return {"account_id": str(account_id), "reason": reason, "licences": totals, "as_of": wire_time(now)}
