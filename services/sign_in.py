"""Console sign-in: failures are counted in the audit log, and five lock an address for a while."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from domain.credentials import PasswordHasher
from domain.doors import FAILURES, REMEMBERED, shut_until
from domain.errors import Locked
from domain.names import address_key
from services import operators
from services.operators import SignedIn
from store import audit, locks

REFUSED: Final = "operator.refused"
KEY_LIMIT: Final = 320


def attempt(
    session: Session, passwords: PasswordHasher, email: str, password: str, *, now: datetime, origin: str
) -> SignedIn | None:
    """Return a new session; None for wrong credentials, which are recorded: commit before responding.

    Raises Locked while the address is locked, even for the right password.
    """
    key = door_key(email)
    locks.hold(session, f"operator door:{key}")
    locked_until = shut_until(audit.instants(session, f"login:{key}", REFUSED, now - REMEMBERED, FAILURES * 4), now)
    if locked_until is not None:
        raise Locked(locked_until - now)
    operator = operators.verified(session, passwords, email, password)
    if operator is None:
        audit.add(session, at=now, actor="nobody", action=REFUSED, target=f"login:{key}", origin=origin)
        return None
    audit.add(
        session, at=now, actor=f"operator:{operator.email}", action="operator.sign_in", target=f"login:{key}",
        origin=origin,
    )  # fmt: skip
    return operators.sign_in(session, operator, now)


def door_key(email: str) -> str:
    """Return the key under which failures for an address are counted; accepts any input."""
    typed = email.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8").strip()
    return address_key(typed[: KEY_LIMIT * 2])[:KEY_LIMIT]
