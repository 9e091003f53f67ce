"""Queries of events that record missing charges."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.events import DomainEvent


def charge_told(session: Session, account_id: UUID, kind: str, product: str, start: date) -> DomainEvent | None:
    """Return the newest `charge.created` of an account's product or plan for the period that starts on a day."""
    data = DomainEvent.data
    query = select(DomainEvent).where(
        DomainEvent.account_id == account_id,
        DomainEvent.type == "charge.created",
        data["kind"].astext == kind,
        data["product"].astext == product,
        data["period_start"].astext == start.isoformat(),
    )
    return session.scalars(query.order_by(DomainEvent.seq.desc()).limit(1)).first()
