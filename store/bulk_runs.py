"""SQL of bulk actions: previewed, started, paused, gone through."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.console import BulkRun

SHOWN: Final = 100


def locked(session: Session, run_id: UUID) -> BulkRun | None:
    """A bulk action that nobody else moves meanwhile."""
    return session.get(BulkRun, run_id, with_for_update=True, populate_existing=True)


def by_id(session: Session, run_id: UUID) -> BulkRun | None:
    """One bulk action."""
    return session.get(BulkRun, run_id)


def newest(session: Session, before: UUID | None, limit: int = SHOWN) -> list[BulkRun]:
    """Bulk actions by falling id."""
    query = select(BulkRun).order_by(BulkRun.id.desc()).limit(limit)
    return list(session.scalars(query if before is None else query.where(BulkRun.id < before)))


def write(session: Session, run_id: UUID, **values: Any) -> None:
    """Set columns of a bulk action, past the session's objects."""
    session.execute(update(BulkRun).where(BulkRun.id == run_id).values(**values))
