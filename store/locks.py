"""Advisory locks on names, for rows that do not exist yet."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

HOLD = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 4711))")


def hold(session: Session, *names: str) -> None:
    """Lock the names until the end of the transaction, in sorted order."""
    for name in sorted(names):
        session.execute(HOLD, {"name": name})
