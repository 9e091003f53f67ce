"""Queries on customers' instances."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from models.control import BreakerState, Lane
from models.instances import Instance


def get(session: Session, account_id: UUID, *, lock: bool = False) -> Instance | None:
    """Return an account's instance; lock it before a change."""
    return session.get(Instance, account_id, with_for_update=lock or None, populate_existing=lock)


def probe_soon(session: Session, lane: str, now: datetime) -> None:
    """Make an open lane probe at once; a lane held by an operator stays held."""
    statement = update(Lane).where(Lane.name == lane, Lane.state == BreakerState.OPEN)
    session.execute(statement.values(probe_at=now))
