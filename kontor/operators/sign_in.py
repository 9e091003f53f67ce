"""Signing in to the console: the limit of failures, the password, the first password that expires."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from kontor.http.browsers import Browser
from kontor.http.sign_in_limits import Attempted, FailureLimit, SignInTimes
from kontor.kernel.errors import Forbidden
from kontor.kernel.ports import PasswordHasher, validate_password
from kontor.kernel.validation import address_key
from kontor.operators import queries
from kontor.operators.service import ONE_TIME_LIFE
from kontor.operators.sessions import known_device
from models.people import Operator

REFUSED: Final = "operator.refused"
KEY_LIMIT: Final = 320
EXPIRED: Final = (
    "This one-time password has expired. Ask an admin for a new one, or run `kontor operator reset` on the server."
)


def throttle_key(email: str) -> str:
    """Return the key under which failures for an address are counted; accepts any input."""
    typed = email.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8").strip()
    return address_key(typed[: KEY_LIMIT * 2])[:KEY_LIMIT]


def failure_limit(session: Session, email: str, browser: Browser, times: SignInTimes) -> FailureLimit:
    """Return the limit of failed sign-ins to an operator's login."""
    account = throttle_key(email)
    operator = queries.operator_by_email(session, account)
    device = known_device(session, operator.id, browser, times.wall_time) if operator else None
    return FailureLimit(session, Attempted(account, browser.origin, device.id if device else None, REFUSED), times)


def verify_credentials(session: Session, passwords: PasswordHasher, email: str, password: str) -> Operator | None:
    """Return the operator with these credentials; None if wrong, after the same time as if right."""
    operator = queries.operator_by_email(session, throttle_key(email))
    candidate = operator if operator is not None and operator.disabled_at is None else None
    matches = passwords.verify(candidate.password_hash if candidate else None, password)
    return candidate if matches else None


def attempt(
    session: Session, passwords: PasswordHasher, email: str, password: str, browser: Browser, times: SignInTimes
) -> Operator | None:
    """Return the operator; None for wrong credentials, which are recorded: commit before responding.

    Raises LimitReached, also for the right password, and Forbidden(`password_expired`).
    """
    limit = failure_limit(session, email, browser, times)
    limit.check()
    operator = verify_credentials(session, passwords, email, password)
    if operator is None:
        limit.record()
    elif one_time_expired(operator, times.wall_time):
        raise Forbidden("password_expired", EXPIRED)
    return operator


def one_time_expired(operator: Operator, wall_time: datetime) -> bool:
    """Return whether a first or reset password has expired."""
    until = operator.password_expires_at or operator.created_at + ONE_TIME_LIFE
    return operator.one_time and wall_time >= until


def change_password(
    session: Session, passwords: PasswordHasher, operator: Operator, old: str, new: str, wall_time: datetime
) -> None:
    """Replace a password and end every session.

    Raises Forbidden(`bad_credentials`, `password_expired`), Invalid.
    """
    if not passwords.verify(operator.password_hash, old):
        raise Forbidden("bad_credentials", "The old password is wrong.")
    if one_time_expired(operator, wall_time):
        raise Forbidden("password_expired", EXPIRED)
    operator.password_hash = passwords.hash(validate_password(new, "new_password"))
    operator.one_time, operator.password_expires_at = False, None
    queries.delete_sessions(session, operator.id)
    session.flush()
