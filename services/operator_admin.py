"""Operator administration: roles, disabling and enabling, password resets."""

from __future__ import annotations

import secrets
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.credentials import PasswordHasher
from domain.errors import Conflict, FieldError, Invalid, NotFound
from engine.control import Actor
from models.people import Operator, Role
from store import audit, locks, people


def set_role(session: Session, operator_id: UUID, role: str, actor: Actor, now: datetime) -> Operator:
    """Change an operator's role. Raises NotFound, Invalid, Conflict(`last_admin`)."""
    operator = _locked(session, operator_id)
    if role not in set(Role):
        message = f"Valid roles: {', '.join(Role)}."
        raise Invalid(message=message, errors=[FieldError("role", message)])
    if role != Role.ADMIN:
        _require_another_admin(session, operator)
    before, operator.role = operator.role, role
    _audit(session, "operator.role", operator, actor, now, {"from": before, "to": role})
    return operator


def disable(session: Session, operator_id: UUID, actor: Actor, now: datetime) -> Operator:
    """Disable an operator and end all sessions. Raises NotFound, Conflict(`last_admin`)."""
    operator = _locked(session, operator_id)
    _require_another_admin(session, operator)
    operator.disabled_at = operator.disabled_at or now
    people.drop_sessions(session, operator.id)
    _audit(session, "operator.disable", operator, actor, now, {})
    return operator


def enable(session: Session, operator_id: UUID, actor: Actor, now: datetime) -> Operator:
    """Enable a disabled operator. Raises NotFound."""
    operator = _locked(session, operator_id)
    operator.disabled_at = None
    _audit(session, "operator.enable", operator, actor, now, {})
    return operator


def new_password(session: Session, passwords: PasswordHasher, operator_id: UUID, actor: Actor, now: datetime) -> str:
    """Set and return a one-time password, and end all sessions. Raises NotFound."""
    operator = _locked(session, operator_id)
    secret = secrets.token_urlsafe(15)
    operator.password_hash, operator.one_time = passwords.hash(secret), True
    people.drop_sessions(session, operator.id)
    _audit(session, "operator.password", operator, actor, now, {})
    return secret


def by_id(session: Session, operator_id: UUID) -> Operator:
    """Return one operator. Raises NotFound."""
    operator = session.get(Operator, operator_id)
    if operator is None:
        raise NotFound
    return operator


def _locked(session: Session, operator_id: UUID) -> Operator:
    locks.hold(session, "operators")
    operator = session.get(Operator, operator_id, with_for_update=True, populate_existing=True)
    if operator is None:
        raise NotFound
    return operator


def _require_another_admin(session: Session, operator: Operator) -> None:
    others = select(func.count()).where(
        Operator.role == Role.ADMIN, Operator.disabled_at.is_(None), Operator.id != operator.id
    )
    if operator.role == Role.ADMIN and operator.disabled_at is None and not session.scalar(others):
        raise Conflict("last_admin", "This is the last admin. Create another one first.")


def _audit(
    session: Session, action: str, operator: Operator, actor: Actor, now: datetime, detail: dict[str, str]
) -> None:
    audit.add(
        session, at=now, actor=actor.name, action=action, target=operator.email, reason=actor.reason,
        origin=actor.origin, detail=detail,
    )  # fmt: skip
