"""Operators: created with a one-time password, their roles, who may still sign in."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kontor import audit
from kontor.audit import Actor
from kontor.kernel import database
from kontor.kernel.errors import Conflict, FieldError, Invalid, NotFound
from kontor.kernel.ids import new_id
from kontor.kernel.ports import PasswordHasher, validate_password
from kontor.kernel.validation import InvalidText, address_key, email_address
from kontor.operators import queries, sessions
from models.people import Operator, OperatorRole

ONE_TIME_LIFE: Final = timedelta(hours=24)
"""Real time after which a first or reset password opens nothing."""


@dataclass(frozen=True, slots=True)
class NewOperator:
    """A new operator and the password for the first sign-in, which is shown only here."""

    operator: Operator
    password: str = field(repr=False)


def create(
    session: Session,
    passwords: PasswordHasher,
    email: str,
    role: str,
    *,
    now: datetime,
    actor: Actor | str,
    password: str | None = None,
    wall_time: datetime | None = None,
) -> NewOperator:
    """Create an operator, with the given password or a one-time password that expires 24 hours after `wall_time`.

    `wall_time` defaults to `now`. Raises Conflict(`operator_exists`), Invalid.
    """
    address, chosen = _address(email), _role(role)
    database.lock_names(session, f"operator:{address_key(address)}")
    if queries.operator_by_email(session, address_key(address)) is not None:
        raise Conflict("operator_exists", f"An operator {address} already exists.")
    secret = validate_password(password) if password else secrets.token_urlsafe(15)
    operator = Operator(
        id=new_id(),
        email=address,
        email_key=address_key(address),
        role=chosen.value,
        password_hash=passwords.hash(secret),
        one_time=password is None,
        password_expires_at=(wall_time or now) + ONE_TIME_LIFE if password is None else None,
        created_at=now,
    )
    session.add(operator)
    who = Actor(actor) if isinstance(actor, str) else actor
    audit.record(session, who, "operator.create", address, at=now, detail={"role": chosen.value})
    session.flush()
    return NewOperator(operator, secret)


def _address(email: str) -> str:
    try:
        return email_address(email)
    except InvalidText as error:
        raise Invalid("invalid", "The address is not valid.", errors=[FieldError("email", str(error))]) from None


def _role(role: str) -> OperatorRole:
    try:
        return OperatorRole(role)
    except ValueError:
        message = f"Valid roles: {', '.join(OperatorRole)}."
        raise Invalid("invalid", message, errors=[FieldError("role", message)]) from None


def set_role(session: Session, operator_id: UUID, role: str, actor: Actor, now: datetime) -> Operator:
    """Change an operator's role. Raises NotFound, Invalid, Conflict(`last_admin`)."""
    operator = _locked(session, operator_id)
    if role not in set(OperatorRole):
        message = f"Valid roles: {', '.join(OperatorRole)}."
        raise Invalid(message=message, errors=[FieldError("role", message)])
    if role != OperatorRole.ADMIN:
        _require_another_admin(session, operator)
    before, operator.role = operator.role, role
    audit.record(session, actor, "operator.role", operator.email, at=now, detail={"from": before, "to": role})
    return operator


def disable(session: Session, operator_id: UUID, actor: Actor, now: datetime) -> Operator:
    """Disable an operator and end all sessions. Raises NotFound, Conflict(`last_admin`)."""
    operator = _locked(session, operator_id)
    _require_another_admin(session, operator)
    operator.disabled_at = operator.disabled_at or now
    queries.delete_sessions(session, operator.id)
    audit.record(session, actor, "operator.disable", operator.email, at=now)
    return operator


def enable(session: Session, operator_id: UUID, actor: Actor, now: datetime) -> Operator:
    """Enable a disabled operator. Raises NotFound."""
    operator = _locked(session, operator_id)
    operator.disabled_at = None
    audit.record(session, actor, "operator.enable", operator.email, at=now)
    return operator


def reset_password(
    session: Session,
    passwords: PasswordHasher,
    operator_id: UUID,
    actor: Actor,
    now: datetime,
    *,
    wall_time: datetime | None = None,
    factors: bool = False,
) -> str:
    """Set and return a one-time password, which expires 24 hours after `wall_time`, and end all sessions.

    `wall_time` defaults to `now`; `factors` removes the second factors too. Raises NotFound.
    """
    operator = _locked(session, operator_id)
    secret = secrets.token_urlsafe(15)
    operator.password_hash, operator.one_time = passwords.hash(secret), True
    operator.password_expires_at = (wall_time or now) + ONE_TIME_LIFE
    queries.delete_sessions(session, operator.id)
    queries.delete_devices(session, operator.id)
    if factors:
        queries.delete_factors(session, operator.id)
    detail = {"factors": "removed"} if factors else {}
    audit.record(session, actor, "operator.password", operator.email, at=now, detail=detail)
    return secret


def operators_who_can_act(session: Session) -> list[Operator]:
    """Return the active operators who may act on incidents, the recipients of alerts."""
    return queries.operators_who_can_act(session)


def end_session(session: Session, operator: Operator, session_id: UUID, actor: Actor, now: datetime) -> None:
    """End one session of an operator. Raises NotFound."""
    sessions.end_session(session, operator.id, session_id)
    detail = {"session": str(session_id)}
    audit.record(session, actor, "operator.end_session", operator.email, at=now, detail=detail)


def named(session: Session, name: str) -> Operator:
    """Return the operator with this id or e-mail address. Raises NotFound."""
    operator = None
    with suppress(ValueError):
        operator = session.get(Operator, UUID(name))
    operator = operator or queries.operator_by_email(session, address_key(name))
    if operator is None:
        raise NotFound(message=f"There is no operator {name}: `kontor operator list` names them.")
    return operator


def by_id(session: Session, operator_id: UUID) -> Operator:
    """Return one operator. Raises NotFound."""
    operator = session.get(Operator, operator_id)
    if operator is None:
        raise NotFound
    return operator


def _locked(session: Session, operator_id: UUID) -> Operator:
    database.lock_names(session, "operators")
    operator = session.get(Operator, operator_id, with_for_update=True, populate_existing=True)
    if operator is None:
        raise NotFound
    return operator


def _require_another_admin(session: Session, operator: Operator) -> None:
    others = select(func.count()).where(
        Operator.role == OperatorRole.ADMIN, Operator.disabled_at.is_(None), Operator.id != operator.id
    )
    if operator.role == OperatorRole.ADMIN and operator.disabled_at is None and not session.scalar(others):
        raise Conflict("last_admin", "This is the last admin. Create another one first.")
