"""What a customer's admin is shown: offers to decide, with a badge, and the last ones decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.paging import bad_cursor, cursor_id
from models.offers import Offer
from services.offer_documents import documents
from store import offers as rows

DECIDED_SHOWN: Final = 20
DECIDED: Final = "decided:"


@dataclass(frozen=True, slots=True)
class Updates:
    """`count` is the badge: offers that wait for the admin, whatever page this is."""

    count: int
    items: tuple[dict[str, Any], ...]
    next: str | None


def updates(
    session: Session, account_id: UUID, now: datetime, *, cursor: str | None = None, limit: int = 100
) -> Updates:
    """Open offers first, newest first, then the last 20 decided. Raises Invalid for a strange cursor."""
    found: list[Offer] = []
    following: str | None = None
    if cursor is None or not cursor.startswith(DECIDED):
        found = rows.page_to_decide(session, account_id, now, cursor_id(cursor), limit + 1)
        if len(found) > limit:
            found, following = found[:limit], str(found[limit - 1].id)
    if following is None:
        start = _start(cursor)
        decided = rows.decided(session, account_id, DECIDED_SHOWN)[start:]
        room = limit - len(found)
        found = [*found, *decided[:room]]
        following = f"{DECIDED}{start + room}" if len(decided) > room else None
    count = rows.count_to_decide(session, account_id, now)
    return Updates(count, tuple(documents(session, found, now)), following)


def _start(cursor: str | None) -> int:
    """How many decided offers earlier pages showed."""
    if cursor is None or not cursor.startswith(DECIDED):
        return 0
    shown = cursor.removeprefix(DECIDED)
    if not (shown.isascii() and shown.isdigit() and len(shown) < 4):
        raise bad_cursor()
    return int(shown)
