"""Operators: created with a one-time password, signed in by sessions that end."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kontor import audit
from kontor.audit import Actor
from kontor.kernel import database
from kontor.kernel.errors import Conflict, FieldError, Forbidden, Invalid, NotFound, TooManyAttempts
from kontor.kernel.ids import new_id
from kontor.kernel.login_throttle import FAILURE_RETENTION, MAX_FAILURES
from kontor.kernel.login_throttle import locked_until as login_throttle_locked_until
from kontor.kernel.ports import PasswordHasher, validate_password
from kontor.kernel.validation import InvalidText, address_key, email_address
from kontor.operators import queries
from models.people import Operator, OperatorRole, OperatorSession

SESSION_LIFE: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class NewOperator:
    """A new operator and the password for the first sign-in, which is shown only here."""

    operator: Operator
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewSession:
    """A new session; `secret` goes into the cookie and is not stored."""

    operator: Operator
    session: OperatorSession
    secret: str = field(repr=False)


def create(
    session: Session,
    passwords: PasswordHasher,
    email: str,
    role: str,
    *,
    now: datetime,
    actor: str,
    password: str | None = None,
) -> NewOperator:
    """Create an operator, with the given password or a one-time password.

    Raises Conflict(`operator_exists`), Invalid.
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
        created_at=now,
    )
    session.add(operator)
    audit.record(session, Actor(actor), "operator.create", address, at=now, detail={"role": chosen.value})
    session.flush()
    return NewOperator(operator, secret)


def verify_credentials(session: Session, passwords: PasswordHasher, email: str, password: str) -> Operator | None:
    """Return the operator with these credentials; None if wrong, after the same time as if right."""
    typed = email.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    key = address_key(typed)[:320]
    operator = queries.operator_by_email(session, key)
    candidate = operator if operator is not None and operator.disabled_at is None else None
    matches = passwords.verify(candidate.password_hash if candidate else None, password)
    return candidate if matches else None


def sign_in(session: Session, operator: Operator, now: datetime) -> NewSession:
    """Open a session of 12 hours."""
    secret = secrets.token_urlsafe(32)
    opened = OperatorSession(
        id=new_id(),
        operator_id=operator.id,
        secret_hash=hash_session_secret(secret),
        csrf=secrets.token_urlsafe(24),
        created_at=now,
        seen_at=now,
        expires_at=now + SESSION_LIFE,
    )
    session.add(opened)
    session.flush()
    return NewSession(operator, opened, secret)


def find_session(session: Session, secret: str, now: datetime) -> tuple[OperatorSession, Operator] | None:
    """Return the session and its operator; None if unknown, expired or the operator is disabled."""
    row = queries.session_by_secret(session, hash_session_secret(secret))
    if row is None or now >= row[0].expires_at or row[1].disabled_at is not None:
        return None
    return row


def sign_out(session: Session, secret: str) -> None:
    """End a session; an unknown one is ignored."""
    queries.delete_session(session, hash_session_secret(secret))


def change_password(session: Session, passwords: PasswordHasher, operator: Operator, old: str, new: str) -> None:
    """Replace a password and end every session. Raises Forbidden(`bad_credentials`), Invalid."""
    if not passwords.verify(operator.password_hash, old):
        raise Forbidden("bad_credentials", "The old password is wrong.")
    operator.password_hash = passwords.hash(validate_password(new, "new_password"))
    operator.one_time = False
    queries.delete_sessions(session, operator.id)
    session.flush()


def hash_session_secret(secret: str) -> str:
    """Return the stored hash of a session secret."""
    return sha256(secret.encode("utf-8", "replace")).hexdigest()


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


REFUSED: Final = "operator.refused"
SIGN_IN_KEY_LIMIT: Final = 320


def attempt(
    session: Session, passwords: PasswordHasher, email: str, password: str, *, now: datetime, origin: str
) -> NewSession | None:
    """Return a new session; None for wrong credentials, which are recorded: commit before responding.

    Raises Locked while the address is locked, even for the right password.
    """
    key = sign_in_throttle_key(email)
    database.lock_names(session, f"operator door:{key}")
    locked_until = login_throttle_locked_until(
        audit.instants(session, f"login:{key}", REFUSED, now - FAILURE_RETENTION, MAX_FAILURES * 4), now
    )
    if locked_until is not None:
        raise TooManyAttempts(locked_until - now)
    operator = verify_credentials(session, passwords, email, password)
    if operator is None:
        audit.record(session, Actor("nobody", origin), REFUSED, f"login:{key}", at=now)
        return None
    audit.record(session, Actor(f"operator:{operator.email}", origin), "operator.sign_in", f"login:{key}", at=now)
    return sign_in(session, operator, now)


def sign_in_throttle_key(email: str) -> str:
    """Return the key under which failures for an address are counted; accepts any input."""
    typed = email.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8").strip()
    return address_key(typed[: SIGN_IN_KEY_LIMIT * 2])[:SIGN_IN_KEY_LIMIT]


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


def reset_password(session: Session, passwords: PasswordHasher, operator_id: UUID, actor: Actor, now: datetime) -> str:
    """Set and return a one-time password, and end all sessions. Raises NotFound."""
    operator = _locked(session, operator_id)
    secret = secrets.token_urlsafe(15)
    operator.password_hash, operator.one_time = passwords.hash(secret), True
    queries.delete_sessions(session, operator.id)
    audit.record(session, actor, "operator.password", operator.email, at=now)
    return secret


def operators_who_can_act(session: Session) -> list[Operator]:
    """Return the active operators who may act on incidents, the recipients of alerts."""
    return queries.operators_who_can_act(session)


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
