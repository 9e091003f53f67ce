"""SQL of customers' instances."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from models.instances import Instance


def get(session: Session, account_id: UUID, *, lock: bool = False) -> Instance | None:
    """An account's instance, locked when it is about to change."""
    return session.get(Instance, account_id, with_for_update=lock or None, populate_existing=lock)
