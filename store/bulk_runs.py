"""Queries of bulk action runs."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.console import BulkRun

SHOWN: Final = 100


def locked(session: Session, run_id: UUID) -> BulkRun | None:
    """Return a bulk action, locked."""
    return session.get(BulkRun, run_id, with_for_update=True, populate_existing=True)


def by_id(session: Session, run_id: UUID) -> BulkRun | None:
    """Return one bulk action."""
    return session.get(BulkRun, run_id)


def newest(session: Session, before: UUID | None, limit: int = SHOWN) -> list[BulkRun]:
    """Return bulk actions, newest first."""
    query = select(BulkRun).order_by(BulkRun.id.desc()).limit(limit)
    return list(session.scalars(query if before is None else query.where(BulkRun.id < before)))


def write(session: Session, run_id: UUID, **values: Any) -> None:
    """Update columns of a bulk action without touching the session's objects."""
    session.execute(update(BulkRun).where(BulkRun.id == run_id).values(**values))
