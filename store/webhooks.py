"""SQL of webhook endpoints and deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from models.events import DomainEvent
from models.webhooks import WebhookDelivery, WebhookEndpoint

LIVE = WebhookEndpoint.deleted_at.is_(None)


def get(session: Session, endpoint_id: UUID, *, lock: bool = False) -> WebhookEndpoint | None:
    """An endpoint that was not deleted, locked when it is about to change."""
    found = session.get(WebhookEndpoint, endpoint_id, with_for_update=lock or None, populate_existing=lock)
    return found if found is not None and found.deleted_at is None else None


def listed(session: Session, reseller_id: UUID | None, before: UUID | None, limit: int) -> list[WebhookEndpoint]:
    """Newest first, everybody's when no reseller is named."""
    query = select(WebhookEndpoint).where(LIVE).order_by(WebhookEndpoint.id.desc()).limit(limit)
    if reseller_id is not None:
        query = query.where(WebhookEndpoint.reseller_id == reseller_id)
    if before is not None:
        query = query.where(WebhookEndpoint.id < before)
    return list(session.scalars(query))


def listening(session: Session, event: DomainEvent) -> list[WebhookEndpoint]:
    """The endpoints that want an event, oldest first."""
    whose: ColumnElement[bool] = WebhookEndpoint.reseller_id.is_(None)
    if event.reseller_id is not None:
        whose = or_(whose, WebhookEndpoint.reseller_id == event.reseller_id)
    wanted = WebhookEndpoint.events.overlap([event.type, "*"])
    open_ = WebhookEndpoint.disabled_at.is_(None)
    query = select(WebhookEndpoint).where(LIVE, open_, whose, wanted).order_by(WebhookEndpoint.id)
    return list(session.scalars(query))


def delivery(session: Session, delivery_id: UUID, *, lock: bool = False) -> WebhookDelivery | None:
    """One delivery, locked when it is about to change."""
    return session.get(WebhookDelivery, delivery_id, with_for_update=lock or None, populate_existing=lock)


def deliveries(
    session: Session,
    endpoint_id: UUID,
    *,
    state: str | None = None,
    since: datetime | None = None,
    before: UUID | None = None,
    limit: int = 100,
) -> list[WebhookDelivery]:
    """Newest first."""
    query = (
        select(WebhookDelivery)
        .where(WebhookDelivery.endpoint_id == endpoint_id)
        .order_by(WebhookDelivery.id.desc())
        .limit(limit)
    )
    if state is not None:
        query = query.where(WebhookDelivery.state == state)
    if since is not None:
        query = query.where(WebhookDelivery.created_at >= since)
    if before is not None:
        query = query.where(WebhookDelivery.id < before)
    return list(session.scalars(query))


def of_event(session: Session, endpoint_ids: Sequence[UUID], event_seq: int) -> set[UUID]:
    """Those of the endpoints for which the event has a delivery already."""
    query = select(WebhookDelivery.endpoint_id).where(
        WebhookDelivery.endpoint_id.in_(endpoint_ids), WebhookDelivery.event_seq == event_seq
    )
    return set(session.scalars(query))
