"""Signing in to the console: the limit of failures, the password, the first password that expires."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor import audit
from kontor.audit import Actor
from kontor.kernel import database
from kontor.kernel.errors import Forbidden
from kontor.kernel.limits import SIGN_IN_ACCOUNT, SIGN_IN_NETWORK, LimitReached
from kontor.kernel.login_throttle import NETWORK_FAILURES, NETWORK_WINDOW, locked_until, network_of
from kontor.kernel.ports import PasswordHasher, validate_password
from kontor.kernel.validation import address_key
from kontor.operators import queries
from kontor.operators.service import ONE_TIME_LIFE
from kontor.operators.sessions import Browser, known_device
from models.people import Operator, SignInFailure

REFUSED: Final = "operator.refused"
KEY_LIMIT: Final = 320
EXPIRED: Final = (
    "This one-time password has expired. Ask an admin for a new one, or run `kontor operator reset` on the server."
)


@dataclass(frozen=True, slots=True)
class SignInTimes:
    """Programme time, for the audit log, and real time, for limits and expiry."""

    now: datetime
    wall_time: datetime


def throttle_key(email: str) -> str:
    """Return the key under which failures for an address are counted; accepts any input."""
    typed = email.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8").strip()
    return address_key(typed[: KEY_LIMIT * 2])[:KEY_LIMIT]


class FailureLimit:
    """The failures of one account from one network or one device that signed in within 30 days.

    5 within 15 minutes lock it, and 50 of a network within an hour lock the network (security.md 2). A device has a
    count of its own, so that strangers never lock out the person it belongs to. Until the transaction ends, no other
    attempt on the account or from the network is counted beside it.
    """

    def __init__(self, session: Session, email: str, browser: Browser, times: SignInTimes) -> None:
        self._session, self._browser, self._times = session, browser, times
        self.account, self.network = throttle_key(email), network_of(browser.origin)
        operator = queries.operator_by_email(session, self.account)
        device = known_device(session, operator.id, browser, times.wall_time) if operator else None
        self.device_id: UUID | None = device.id if device else None
        database.lock_names(session, f"sign-in account:{self.account}", f"sign-in network:{self.network}")

    def check(self) -> None:
        """Raise LimitReached while it is locked, also for the right password."""
        now = self._times.wall_time
        since = now - 2 * NETWORK_WINDOW
        if self.device_id is not None:
            own = queries.failures_of_device(self._session, self.account, self.device_id, since)
            locks = [(locked_until(own, now), SIGN_IN_ACCOUNT)]
        else:
            own = queries.failures_of_account(self._session, self.account, self.network, since)
            everyone = queries.failures_of_network(self._session, self.network, since)
            network = locked_until(everyone, now, NETWORK_FAILURES, NETWORK_WINDOW)
            locks = [(locked_until(own, now), SIGN_IN_ACCOUNT), (network, SIGN_IN_NETWORK)]
        ends = [(end, limit) for end, limit in locks if end is not None]
        if ends:
            end, limit = max(ends, key=itemgetter(0))
            raise LimitReached(limit, limit.default, end - now)

    def record(self) -> None:
        """Count a failure and leave it in the audit log; commit before responding."""
        now = self._times.wall_time
        queries.delete_failures(self._session, now - 2 * NETWORK_WINDOW)
        failure = SignInFailure(account=self.account, network=self.network, device_id=self.device_id, at=now)
        self._session.add(failure)
        actor = Actor("nobody", self._browser.origin)
        audit.record(self._session, actor, REFUSED, f"login:{self.account}", at=self._times.now)


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
    limit = FailureLimit(session, email, browser, times)
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
