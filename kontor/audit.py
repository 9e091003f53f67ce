"""The audit log: its one writer and its queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.kernel.paging import Page, page_of
from models.control import AuditEntry


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, from where and why, as the audit log stores it."""

    name: str
    origin: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Entry filter; None matches any. `actor` and `target` match a part of the text, `action` a prefix."""

    actor: str | None = None
    action: str | None = None
    target: str | None = None


def record(
    session: Session,
    actor: Actor,
    action: str,
    target: str,
    *,
    at: datetime,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Write one entry in the caller's transaction; the only writer of the audit log."""
    session.add(
        AuditEntry(
            at=at,
            actor=actor.name,
            action=action,
            target=target,
            reason=actor.reason,
            origin=actor.origin,
            detail=dict(detail or {}),
        )
    )


def page(session: Session, criteria: AuditFilter, cursor: str | None, limit: int) -> Page[AuditEntry]:
    """Return entries, newest first; the cursor is an entry's number. Raises Invalid."""
    query = select(AuditEntry)
    if criteria.actor is not None:
        query = query.where(AuditEntry.actor.icontains(criteria.actor, autoescape=True))
    if criteria.action is not None:
        query = query.where(AuditEntry.action.startswith(criteria.action, autoescape=True))
    if criteria.target is not None:
        query = query.where(AuditEntry.target.icontains(criteria.target, autoescape=True))
    return page_of(session, query, AuditEntry.seq, cursor, limit, parse=_number)


def _number(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise ValueError(cursor)
    return int(cursor)


def about(session: Session, target: str, limit: int) -> list[AuditEntry]:
    """Return the entries on one target, newest first."""
    query = select(AuditEntry).where(AuditEntry.target == target).order_by(AuditEntry.seq.desc())
    return list(session.scalars(query.limit(limit)))
