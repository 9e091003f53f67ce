"""Operators: made with a one-time password, signed in by sessions that end."""

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
    """An operator and the password for the first login, which is shown once."""

    operator: Operator
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh session; `secret` goes into the cookie and is stored nowhere."""

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
    """A new operator, with the password given or a one-time one.

    Raises Conflict(`operator_exists`), Invalid.
    """
    address, chosen = _address(email), _role(role)
    locks.hold(session, f"operator:{address_key(address)}")
    if rows.operator_by_email(session, address_key(address)) is not None:
        raise Conflict("operator_exists", f"There is an operator {address} already.")
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
    """The operator with that address and password, None for a wrong pair (as slow as a right one)."""
    typed = email.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    key = address_key(typed)[:320]
    operator = rows.operator_by_email(session, key)
    known = operator if operator is not None and operator.disabled_at is None else None
    fits = passwords.verify(known.password_hash if known else None, password)
    return known if fits else None


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
    """Whose browser it is, None when the session is unknown, over, or the operator disabled."""
    found = rows.session_with(session, hashed(secret))
    if found is None or now >= found[0].expires_at or found[1].disabled_at is not None:
        return None
    return found


def sign_out(session: Session, secret: str) -> None:
    """End a session; an unknown one is no error."""
    rows.drop_session(session, hashed(secret))


def change_password(session: Session, passwords: PasswordHasher, operator: Operator, old: str, new: str) -> None:
    """Replace a password and end every session. Raises Forbidden(`bad_credentials`), Invalid."""
    if not passwords.verify(operator.password_hash, old):
        raise Forbidden("bad_credentials", "The old password is not right.")
    operator.password_hash = passwords.hash(checked_password(new, "new_password"))
    operator.one_time = False
    rows.drop_sessions(session, operator.id)
    session.flush()


def hashed(secret: str) -> str:
    """What is stored of a session's secret."""
    return sha256(secret.encode("utf-8", "replace")).hexdigest()


def _address(email: str) -> str:
    try:
        return email_address(email)
    except BadName as wrong:
        raise Invalid("invalid", "The address is not valid.", errors=[FieldError("email", str(wrong))]) from None


def _role(role: str) -> Role:
    try:
        return Role(role)
    except ValueError:
        message = f"A role is one of {', '.join(Role)}."
        raise Invalid("invalid", message, errors=[FieldError("role", message)]) from None
