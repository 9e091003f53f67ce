"""Inbox of a customer's admin: offers to decide, their number, and the offers decided last."""

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
    """One page of the inbox; `count` is the number of offers to decide on all pages."""

    count: int
    items: tuple[dict[str, Any], ...]
    next: str | None


def updates(
    session: Session, account_id: UUID, now: datetime, *, cursor: str | None = None, limit: int = 100
) -> Updates:
    """Return open offers, newest first, then the last 20 decided. Raises Invalid for an invalid cursor."""
    offers: list[Offer] = []
    next_cursor: str | None = None
    if cursor is None or not cursor.startswith(DECIDED):
        offers = rows.page_to_decide(session, account_id, now, cursor_id(cursor), limit + 1)
        if len(offers) > limit:
            offers, next_cursor = offers[:limit], str(offers[limit - 1].id)
    if next_cursor is None:
        start = _start(cursor)
        decided = rows.decided(session, account_id, DECIDED_SHOWN)[start:]
        room = limit - len(offers)
        offers = [*offers, *decided[:room]]
        next_cursor = f"{DECIDED}{start + room}" if len(decided) > room else None
    count = rows.count_to_decide(session, account_id, now)
    return Updates(count, tuple(documents(session, offers, now)), next_cursor)


def _start(cursor: str | None) -> int:
    """Return how many decided offers earlier pages showed. Raises Invalid."""
    if cursor is None or not cursor.startswith(DECIDED):
        return 0
    shown = cursor.removeprefix(DECIDED)
    if not (shown.isascii() and shown.isdigit() and len(shown) < 4):
        raise bad_cursor()
    return int(shown)
