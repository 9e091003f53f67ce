"""Messages to a customer's instance: the body, and the id by which it recognises duplicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from domain.webhooks import message_body, wire_time
from models.offers import Offer
from services.offer_documents import told
from store import offers as rows


@dataclass(frozen=True, slots=True)
class Message:
    """A message body and its `webhook-id`."""

    webhook_id: str
    body: bytes


def delivered_message(offer: Offer, now: datetime) -> Message:
    """Build `offer.delivered`."""
    return Message(
        f"offer_{offer.id.hex}_delivered",
        message_body("offer.delivered", offer.created_at, told(offer, now)),
    )


def withdrawn_message(session: Session, offer: Offer, now: datetime) -> Message:
    """Build `offer.withdrawn`; `data.reason` is the reason."""
    last = rows.last_event(session, offer.id)
    at = last.at if last is not None else now
    return Message(f"offer_{offer.id.hex}_withdrawn", message_body("offer.withdrawn", at, told(offer, now)))


def granted_message(offer: Offer, licences: Sequence[Mapping[str, Any]], now: datetime) -> Message:
    """Build `licences.granted` after an acceptance: totals per product as of `now`."""
    data = granted(offer.account_id, "accepted", licences, now) | {"offer_id": str(offer.id)}
    return Message(f"licences_{offer.id.hex}_granted", message_body("licences.granted", now, data))


def ended_message(account_id: UUID, ends_at: datetime, licences: Sequence[Mapping[str, Any]], now: datetime) -> Message:
    """Build `licences.granted` after grants ended at `ends_at`."""
    instant = ends_at.astimezone(UTC).strftime("%Y%m%dT%H%M%S%f")
    data = granted(account_id, "ended", licences, now)
    return Message(f"licences_{account_id.hex}_ended_{instant}", message_body("licences.granted", now, data))


def granted(account_id: UUID, reason: str, licences: Sequence[Mapping[str, Any]], now: datetime) -> dict[str, Any]:
    """Return the data of `licences.granted`, as JSON."""
    totals = [
        {**item, "expires_at": None if item["expires_at"] is None else wire_time(item["expires_at"])}
        for item in licences
    ]
    return {"account_id": str(account_id), "reason": reason, "licences": totals, "as_of": wire_time(now)}
