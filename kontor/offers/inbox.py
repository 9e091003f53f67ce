"""The offers that a customer's admin sees: what awaits a decision, then what was decided."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.http.visibility import Viewer
from kontor.kernel.paging import Page, invalid_cursor
from kontor.offers import inbox_queries
from kontor.offers.schemas import UpdatesOut
from kontor.offers.views import offer_outs

DECIDED_SHOWN: Final = 20
DECIDED_CURSOR: Final = "decided:"


def read_inbox(
    session: Session,
    account_id: UUID,
    now: datetime,
    viewer: Viewer = Viewer.RESELLER,
    *,
    reseller_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> UpdatesOut:
    """Return open offers, newest first, then the last 20 decided; with `reseller_id` only that one's.

    Raises Invalid for an invalid cursor.
    """
    start = _start(cursor)
    if cursor is None:
        waiting, decided = inbox_queries.first_page(session, account_id, now, limit, DECIDED_SHOWN, reseller_id)
    elif cursor.startswith(DECIDED_CURSOR):
        waiting, decided = Page(()), inbox_queries.decided(session, account_id, DECIDED_SHOWN, reseller_id)
    else:
        waiting = inbox_queries.page_to_decide(session, account_id, now, cursor, limit, reseller_id)
        decided = inbox_queries.decided(session, account_id, DECIDED_SHOWN, reseller_id)
    rest, room = decided[start:] if waiting.next is None else [], limit - len(waiting.items)
    following = f"{DECIDED_CURSOR}{start + room}" if len(rest) > room else waiting.next
    whole = cursor is None and waiting.next is None
    count = len(waiting.items) if whole else count_open(session, account_id, now, reseller_id)
    items = offer_outs(session, [*waiting.items, *rest[:room]], now, viewer)
    return UpdatesOut(items=items, next=following, count=count)


def _start(cursor: str | None) -> int:
    """Return how many decided offers earlier pages showed. Raises Invalid."""
    if cursor is None or not cursor.startswith(DECIDED_CURSOR):
        return 0
    shown = cursor.removeprefix(DECIDED_CURSOR)
    if not (shown.isascii() and shown.isdigit() and len(shown) < 4):
        raise invalid_cursor()
    return int(shown)


def count_open(session: Session, account_id: UUID, now: datetime, reseller_id: UUID | None = None) -> int:
    """Return how many offers await an account's decision; with `reseller_id` only that one's."""
    return inbox_queries.count_to_decide(session, account_id, now, reseller_id)
