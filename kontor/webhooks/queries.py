"""Queries on webhook endpoints and deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from kontor.kernel.database import psycopg_connection
from kontor.kernel.paging import Page, page_of
from kontor.kernel.time_spans import ANY_TIME, TimeSpan
from models.webhooks import DomainEvent, WebhookDelivery, WebhookEndpoint

NOT_DELETED = WebhookEndpoint.deleted_at.is_(None)
DELETE_DELIVERIES: Final = """
DELETE FROM webhook_deliveries WHERE id = ANY(ARRAY(
    SELECT id FROM webhook_deliveries WHERE created_at < %s AND state <> 'pending'
    ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED))
"""


def get(session: Session, endpoint_id: UUID, *, lock: bool = False) -> WebhookEndpoint | None:
    """Return an endpoint that is not deleted; lock it before a change."""
    endpoint = session.get(WebhookEndpoint, endpoint_id, with_for_update=lock or None, populate_existing=lock)
    return endpoint if endpoint is not None and endpoint.deleted_at is None else None


def list_endpoints(
    session: Session,
    reseller_id: UUID | None,
    cursor: str | None,
    limit: int,
    *,
    disabled: bool | None = None,
    created: TimeSpan = ANY_TIME,
) -> Page[WebhookEndpoint]:
    """Return endpoints, newest first; those of all owners if `reseller_id` is None. Raises Invalid."""
    query = select(WebhookEndpoint).where(NOT_DELETED, *created.conditions(WebhookEndpoint.created_at))
    if disabled is not None:
        query = query.where(WebhookEndpoint.disabled_at.is_not(None) == disabled)
    if reseller_id is not None:
        query = query.where(WebhookEndpoint.reseller_id == reseller_id)
    return page_of(session, query, WebhookEndpoint.id, cursor, limit)


def endpoints_of(session: Session, reseller_id: UUID | None) -> list[WebhookEndpoint]:
    """Return the endpoints of a reseller, or of the provider if `reseller_id` is None."""
    return list(session.scalars(select(WebhookEndpoint).where(NOT_DELETED, WebhookEndpoint.reseller_id == reseller_id)))


def subscribed_endpoints(session: Session, event: DomainEvent) -> list[WebhookEndpoint]:
    """Return the enabled endpoints subscribed to an event, oldest first."""
    owned: ColumnElement[bool] = WebhookEndpoint.reseller_id.is_(None)
    if event.reseller_id is not None:
        owned = or_(owned, WebhookEndpoint.reseller_id == event.reseller_id)
    subscribed = WebhookEndpoint.events.overlap([event.type, "*"])
    enabled = WebhookEndpoint.disabled_at.is_(None)
    query = select(WebhookEndpoint).where(NOT_DELETED, enabled, owned, subscribed).order_by(WebhookEndpoint.id)
    return list(session.scalars(query))


def delivery(session: Session, delivery_id: UUID, *, lock: bool = False) -> WebhookDelivery | None:
    """Return one delivery; lock it before a change."""
    return session.get(WebhookDelivery, delivery_id, with_for_update=lock or None, populate_existing=lock)


def deliveries(
    session: Session,
    endpoint_id: UUID,
    *,
    state: str | None = None,
    since: datetime | None = None,
    created: TimeSpan = ANY_TIME,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[WebhookDelivery]:
    """Return deliveries to an endpoint, newest first. Raises Invalid."""
    within = created.conditions(WebhookDelivery.created_at)
    query = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint_id, *within)
    if state is not None:
        query = query.where(WebhookDelivery.state == state)
    if since is not None:
        query = query.where(WebhookDelivery.created_at >= since)
    return page_of(session, query, WebhookDelivery.id, cursor, limit)


def endpoints_with_delivery(session: Session, endpoint_ids: Sequence[UUID], event_seq: int) -> set[UUID]:
    """Return those of the endpoints that already have a delivery of the event."""
    query = select(WebhookDelivery.endpoint_id).where(
        WebhookDelivery.endpoint_id.in_(endpoint_ids), WebhookDelivery.event_seq == event_seq
    )
    return set(session.scalars(query))


def delete_deliveries(session: Session, before: datetime, most: int) -> int:
    """Delete deliveries made before an instant, the oldest first; return how many. Those under way stay."""
    return psycopg_connection(session).execute(DELETE_DELIVERIES, (before, most)).rowcount
