"""SQL of the audit log: who did what, when and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.control import AuditEntry


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries; None: any. `actor` and `target` are parts of the text, `action` is its start."""

    actor: str | None = None
    action: str | None = None
    target: str | None = None


def add(
    session: Session,
    *,
    at: datetime,
    actor: str,
    action: str,
    target: str,
    reason: str | None = None,
    origin: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write one entry in the caller's transaction."""
    session.add(
        AuditEntry(
            at=at,
            actor=actor,
            action=action,
            target=target,
            reason=reason,
            origin=origin,
            detail=dict(detail or {}),
        )
    )


def page(session: Session, wanted: AuditFilter, before: int | None, limit: int) -> list[AuditEntry]:
    """Entries, newest first, after the one with number `before`."""
    query = select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditEntry.seq < before)
    if wanted.actor is not None:
        query = query.where(AuditEntry.actor.icontains(wanted.actor, autoescape=True))
    if wanted.action is not None:
        query = query.where(AuditEntry.action.startswith(wanted.action, autoescape=True))
    if wanted.target is not None:
        query = query.where(AuditEntry.target.icontains(wanted.target, autoescape=True))
    return list(session.scalars(query))


def about(session: Session, target: str, limit: int) -> list[AuditEntry]:
    """What was done to one thing, newest first."""
    query = select(AuditEntry).where(AuditEntry.target == target).order_by(AuditEntry.seq.desc())
    return list(session.scalars(query.limit(limit)))


def instants(session: Session, target: str, action: str, since: datetime, limit: int) -> list[datetime]:
    """When an action was last done to a thing, newest first."""
    mine = (AuditEntry.target == target, AuditEntry.action == action, AuditEntry.at > since)
    return list(session.scalars(select(AuditEntry.at).where(*mine).order_by(AuditEntry.seq.desc()).limit(limit)))
