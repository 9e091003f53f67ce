"""Queries of services, of what is asked of them and of their events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import Row, func, select, text
from sqlalchemy.orm import Session

from kontor.kernel.paging import Page, page_of
from kontor.kernel.states import ActionState, ServiceState
from kontor.kernel.time_spans import ANY_TIME, TimeSpan
from models.services import Service, ServiceAction, ServiceEvent


@dataclass(frozen=True, slots=True)
class ServiceFilter:
    """Which services are listed; None matches any."""

    reseller_id: UUID | None = None
    account_id: UUID | None = None
    state: ServiceState | None = None
    product: str | None = None
    external_id: str | None = None
    created: TimeSpan = ANY_TIME


def by_id(session: Session, service_id: UUID, *, lock: bool = False) -> Service | None:
    """Return one service; `lock`: its row, refreshed."""
    query = select(Service).where(Service.id == service_id)
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def page(session: Session, filters: ServiceFilter, cursor: str | None, limit: int) -> Page[Service]:
    """Return services, newest first. Raises Invalid on an invalid cursor."""
    query = select(Service).where(*filters.created.conditions(Service.created_at))
    pairs = (
        (Service.reseller_id, filters.reseller_id),
        (Service.account_id, filters.account_id),
        (Service.state, filters.state),
        (Service.product, filters.product),
        (Service.external_id, filters.external_id),
    )
    for column, value in pairs:
        if value is not None:
            query = query.where(column == value)
    return page_of(session, query, Service.id, cursor, limit)


def has_external_id(session: Session, reseller_id: UUID, external_id: str, other_than: UUID | None = None) -> bool:
    """Whether a service of the reseller that has not ended has an id of another system."""
    conditions = [
        Service.reseller_id == reseller_id,
        Service.external_id == external_id,
        Service.state != ServiceState.ENDED.value,
    ]
    if other_than is not None:
        conditions.append(Service.id != other_than)
    return session.scalar(select(Service.id).where(*conditions).limit(1)) is not None


def events_of(session: Session, ids: Sequence[UUID]) -> Sequence[ServiceEvent]:
    """Return the events of services, oldest first."""
    query = select(ServiceEvent).where(ServiceEvent.service_id.in_(ids))
    return session.scalars(query.order_by(ServiceEvent.service_id, ServiceEvent.number)).all()


def last_number(session: Session, service_id: UUID) -> int:
    """Return the number of a service's last event; 0 without one."""
    return session.scalar(select(func.max(ServiceEvent.number)).where(ServiceEvent.service_id == service_id)) or 0


def running(session: Session, service_id: UUID) -> ServiceAction | None:
    """Return what is under way, refreshed."""
    query = select(ServiceAction).where(
        ServiceAction.service_id == service_id, ServiceAction.state == ActionState.RUNNING.value
    )
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def running_of(session: Session, ids: Sequence[UUID]) -> Sequence[ServiceAction]:
    """Return what is under way for services."""
    query = select(ServiceAction).where(
        ServiceAction.service_id.in_(ids), ServiceAction.state == ActionState.RUNNING.value
    )
    return session.scalars(query).all()


def next_waiting(session: Session, service_id: UUID) -> ServiceAction | None:
    """Return what waits longest."""
    query = select(ServiceAction).where(
        ServiceAction.service_id == service_id, ServiceAction.state == ActionState.WAITING.value
    )
    return session.scalars(query.order_by(ServiceAction.id).limit(1)).one_or_none()


def waiting(session: Session, service_id: UUID) -> Sequence[ServiceAction]:
    """Return what waits, in its order."""
    query = select(ServiceAction).where(
        ServiceAction.service_id == service_id, ServiceAction.state == ActionState.WAITING.value
    )
    return session.scalars(query.order_by(ServiceAction.id)).all()


def actions_of(session: Session, service_id: UUID, limit: int = 100) -> Sequence[ServiceAction]:
    """Return what was asked of a service, newest first."""
    query = select(ServiceAction).where(ServiceAction.service_id == service_id)
    return session.scalars(query.order_by(ServiceAction.id.desc()).limit(limit)).all()


def by_job(session: Session, job_id: UUID) -> ServiceAction | None:
    """Return what a job is for."""
    return session.scalars(select(ServiceAction).where(ServiceAction.job_id == job_id)).one_or_none()


CANDIDATES: Final = text(
    "SELECT s.id, s.programme, s.state, s.causes, s.renewal, s.grace, s.paid_until, s.unpaid_since,"
    " a.deleted_at IS NOT NULL OR r.deleted_at IS NOT NULL AS closed"
    " FROM services s JOIN accounts a ON a.id = coalesce(s.account_id, s.reseller_id)"
    " JOIN accounts r ON r.id = s.reseller_id"
    " WHERE s.state IN ('active', 'suspended') AND s.paid_until <= :day AND s.id > :after"
    " AND NOT EXISTS (SELECT FROM service_actions w WHERE w.service_id = s.id AND w.state IN ('waiting', 'running'))"
    " AND NOT EXISTS (SELECT FROM service_actions f WHERE f.service_id = s.id AND f.state = 'failed'"
    "  AND f.ended_at > :failed_since)"
    " ORDER BY s.id LIMIT :limit"
)
"""Services near the end of their term, nothing asked of them, and nothing that failed today."""
STRAYED: Final = text(
    "SELECT s.id FROM services s JOIN accounts a ON a.id = coalesce(s.account_id, s.reseller_id)"
    " WHERE s.state IN ('pending', 'active', 'suspended') AND a.suspended <> ('account' = ANY(s.causes))"
    " AND (a.suspended OR s.state = 'suspended')"
    " AND (CAST(:id AS uuid) IS NULL OR a.id = :id OR a.reseller_id = :id)"
    " AND (CAST(:service_id AS uuid) IS NULL OR s.id = :service_id)"
    " AND NOT EXISTS (SELECT FROM service_actions w WHERE w.service_id = s.id AND w.cause = 'account'"
    "  AND (w.state IN ('waiting', 'running') OR w.state = 'failed' AND w.ended_at > :failed_since))"
    " ORDER BY s.id LIMIT :limit"
)
"""Services that are not suspended as their account is, and were not asked to be."""
LOST: Final = text(
    "SELECT w.service_id FROM service_actions w WHERE w.state = 'running' AND w.job_id IS NOT NULL"
    " AND NOT EXISTS (SELECT FROM jobs j WHERE j.id = w.job_id AND (j.state <> 'dead' OR w.verb = 'terminate'))"
    " AND NOT EXISTS (SELECT FROM jobs_archive d WHERE d.id = w.job_id AND d.state = 'dead' AND w.verb = 'terminate')"
    " ORDER BY w.service_id LIMIT :limit"
)
"""Services whose job ended without their knowing: a relay carried out its cancellation."""
ENDED_JOB: Final = text(
    "SELECT task, tenant, state, result, coalesce(error ->> 'message', reason, ''), attempt FROM jobs_archive"
    " WHERE id = :id"
    " UNION ALL SELECT task, tenant, state, NULL, coalesce(error ->> 'message', reason, ''), attempt FROM jobs"
    " WHERE id = :id AND state = 'dead'"
)


def candidates(session: Session, day: date, after: UUID, limit: int, failed_since: object) -> Sequence[Row[object]]:
    """Return services near the end of their term, by id."""
    values = {"day": day, "after": after, "limit": limit, "failed_since": failed_since}
    return session.execute(CANDIDATES, values).all()


def strayed(session: Session, account_id: UUID | None, failed_since: object, limit: int) -> Sequence[UUID]:
    """Return services that are not suspended as their account is; of one account and its clients, or all."""
    values = {"id": account_id, "service_id": None, "failed_since": failed_since, "limit": limit}
    return session.scalars(STRAYED, values).all()


def is_strayed(session: Session, service_id: UUID, failed_since: object) -> bool:
    """Whether a service is not suspended as its account is, and was not asked to be."""
    values = {"id": None, "service_id": service_id, "failed_since": failed_since, "limit": 1}
    return session.scalar(STRAYED, values) is not None


def lost(session: Session, limit: int) -> Sequence[UUID]:
    """Return services whose job has ended, or is gone, without a record of it."""
    return session.scalars(LOST, {"limit": limit}).all()


def unpaid(session: Session, reseller_id: UUID) -> Sequence[UUID]:
    """Return a reseller's services that wait for money, those that end first before others."""
    query = select(Service.id).where(Service.reseller_id == reseller_id, Service.unpaid_since.is_not(None))
    return session.scalars(query.order_by(Service.paid_until, Service.id)).all()
