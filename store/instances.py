"""SQL of customers' instances."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from models.control import BreakerState, Lane
from models.instances import Instance


def get(session: Session, account_id: UUID, *, lock: bool = False) -> Instance | None:
    """An account's instance, locked when it is about to change."""
    return session.get(Instance, account_id, with_for_update=lock or None, populate_existing=lock)


def probe_soon(session: Session, lane: str, now: datetime) -> None:
    """Let the next call of a held lane go at once; a lane that an operator holds stays held."""
    held = update(Lane).where(Lane.name == lane, Lane.state == BreakerState.OPEN)
    session.execute(held.values(probe_at=now))
