"""Sessions of operators and the devices they signed in with. Every time is real time, whatever the test clock says."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.http.browsers import Browser, hash_secret
from kontor.kernel.errors import NotFound
from kontor.kernel.ids import new_id
from kontor.operators import queries
from models.people import Operator, OperatorDevice, OperatorSession

SESSION_LIFE: Final = timedelta(hours=12)
IDLE_LIFE: Final = timedelta(minutes=60)
PROOF_LIFE: Final = timedelta(minutes=10)
DEVICE_LIFE: Final = timedelta(days=30)
SEEN_STEP: Final = timedelta(minutes=1)
"""How exactly the last use of a session is kept."""

AGENT_LIMIT: Final = 400


@dataclass(frozen=True, slots=True)
class NewSession:
    """A new session; the secrets go into cookies and are not stored. `new_device`: it had not signed in for 30 days."""

    operator: Operator
    session: OperatorSession
    secret: str = field(repr=False)
    device_secret: str = field(default="", repr=False)
    new_device: bool = False


def known_device(session: Session, operator_id: UUID, browser: Browser, now: datetime) -> OperatorDevice | None:
    """Return the device of a browser if it signed in as this operator within 30 days."""
    if not browser.device:
        return None
    device = queries.device_by_secret(session, hash_secret(browser.device))
    if device is None or device.operator_id != operator_id or now >= device.signed_in_at + DEVICE_LIFE:
        return None
    return device


def sign_in(session: Session, operator: Operator, browser: Browser, now: datetime) -> NewSession:
    """Open a session of 12 hours, of which 60 minutes may pass unused, and remember the device."""
    device, device_secret = known_device(session, operator.id, browser, now), browser.device or ""
    new_device = device is None
    if device is None:
        device_secret = secrets.token_urlsafe(32)
        device = OperatorDevice(
            id=new_id(),
            operator_id=operator.id,
            secret_hash=hash_secret(device_secret),
            created_at=now,
            signed_in_at=now,
        )
        session.add(device)
    device.signed_in_at = now
    operator.locale = browser.language or operator.locale
    secret = secrets.token_urlsafe(32)
    opened = OperatorSession(
        id=new_id(),
        operator_id=operator.id,
        secret_hash=hash_secret(secret),
        csrf=secrets.token_urlsafe(24),
        created_at=now,
        seen_at=now,
        expires_at=now + SESSION_LIFE,
        origin=browser.origin,
        agent=browser.agent[:AGENT_LIMIT],
        device_id=device.id,
        proven_at=now,
    )
    session.add(opened)
    session.flush()
    return NewSession(operator, opened, secret, device_secret, new_device)


def find_session(
    session: Session, secret: str, now: datetime, *, used: bool = True
) -> tuple[OperatorSession, Operator] | None:
    """Return the session and its operator; None if unknown, expired, idle for 60 minutes or of a disabled operator.

    `used`: a person uses it, so that it is idle from now on; an open page that updates itself does not.
    """
    row = queries.session_by_secret(session, hash_secret(secret))
    if row is None or row[1].disabled_at is not None or not is_alive(row[0], now):
        return None
    if used and now - row[0].seen_at >= SEEN_STEP:
        row[0].seen_at = now
    return row


def is_alive(opened: OperatorSession, now: datetime) -> bool:
    """Return whether a session has neither expired nor been idle for 60 minutes."""
    return now < opened.expires_at and now < opened.seen_at + IDLE_LIFE


def is_proven(opened: OperatorSession, now: datetime) -> bool:
    """Return whether password or factor were given within 10 minutes."""
    return opened.proven_at is not None and now < opened.proven_at + PROOF_LIFE


def sign_out(session: Session, secret: str) -> None:
    """End a session; an unknown one is ignored."""
    queries.delete_session(session, hash_secret(secret))


def list_sessions(session: Session, operator_id: UUID, now: datetime) -> Sequence[OperatorSession]:
    """Return an operator's live sessions, the one used last first."""
    alive = [opened for opened in queries.sessions_of(session, operator_id) if is_alive(opened, now)]
    return sorted(alive, key=lambda opened: opened.seen_at, reverse=True)


def end_session(session: Session, operator_id: UUID, session_id: UUID) -> None:
    """End one session of an operator. Raises NotFound."""
    opened = session.get(OperatorSession, session_id)
    if opened is None or opened.operator_id != operator_id:
        raise NotFound(message="There is no such session.")
    session.delete(opened)
    session.flush()
