"""Operators: created with a one-time password, signed in by sessions that expire."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy.orm import Session

from domain.credentials import PasswordHasher, checked_password
from domain.errors import Conflict, FieldError, Forbidden, Invalid
from domain.ids import new_id
from domain.names import BadName, address_key, email_address
from models.people import Operator, OperatorSession, Role
from store import audit, locks
from store import people as rows

SESSION_LIFE: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class NewOperator:
    """A new operator and the password for the first sign-in, which is shown only here."""

    operator: Operator
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
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
    locks.hold(session, f"operator:{address_key(address)}")
    if rows.operator_by_email(session, address_key(address)) is not None:
        raise Conflict("operator_exists", f"An operator {address} already exists.")
    secret = checked_password(password) if password else secrets.token_urlsafe(15)
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
    detail = {"role": chosen.value}
    audit.add(session, at=now, actor=actor, action="operator.create", target=address, detail=detail)
    session.flush()
    return NewOperator(operator, secret)


def verified(session: Session, passwords: PasswordHasher, email: str, password: str) -> Operator | None:
    """Return the operator with these credentials; None if wrong, after the same time as if right."""
    typed = email.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    key = address_key(typed)[:320]
    operator = rows.operator_by_email(session, key)
    candidate = operator if operator is not None and operator.disabled_at is None else None
    matches = passwords.verify(candidate.password_hash if candidate else None, password)
    return candidate if matches else None


def sign_in(session: Session, operator: Operator, now: datetime) -> SignedIn:
    """Open a session of 12 hours."""
    secret = secrets.token_urlsafe(32)
    opened = OperatorSession(
        id=new_id(),
        operator_id=operator.id,
        secret_hash=hashed(secret),
        csrf=secrets.token_urlsafe(24),
        created_at=now,
        seen_at=now,
        expires_at=now + SESSION_LIFE,
    )
    session.add(opened)
    session.flush()
    return SignedIn(operator, opened, secret)


def signed_in(session: Session, secret: str, now: datetime) -> tuple[OperatorSession, Operator] | None:
    """Return the session and its operator; None if unknown, expired or the operator is disabled."""
    row = rows.session_with(session, hashed(secret))
    if row is None or now >= row[0].expires_at or row[1].disabled_at is not None:
        return None
    return row


def sign_out(session: Session, secret: str) -> None:
    """End a session; an unknown one is ignored."""
    rows.drop_session(session, hashed(secret))


def change_password(session: Session, passwords: PasswordHasher, operator: Operator, old: str, new: str) -> None:
    """Replace a password and end every session. Raises Forbidden(`bad_credentials`), Invalid."""
    if not passwords.verify(operator.password_hash, old):
        raise Forbidden("bad_credentials", "The old password is wrong.")
    operator.password_hash = passwords.hash(checked_password(new, "new_password"))
    operator.one_time = False
    rows.drop_sessions(session, operator.id)
    session.flush()


def hashed(secret: str) -> str:
    """Return the stored hash of a session secret."""
    return sha256(secret.encode("utf-8", "replace")).hexdigest()


def _address(email: str) -> str:
    try:
        return email_address(email)
    except BadName as error:
        raise Invalid("invalid", "The address is not valid.", errors=[FieldError("email", str(error))]) from None


def _role(role: str) -> Role:
    try:
        return Role(role)
    except ValueError:
        message = f"Valid roles: {', '.join(Role)}."
        raise Invalid("invalid", message, errors=[FieldError("role", message)]) from None
