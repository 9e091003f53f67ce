"""SQL of the audit log: who did what, when and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models.control import AuditEntry


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
