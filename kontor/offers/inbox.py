"""The offers that a customer's admin sees: what awaits a decision, then what was decided."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.http.visibility import Viewer
from kontor.kernel.paging import invalid_cursor
from kontor.offers import queries
from kontor.offers.schemas import UpdatesOut
from kontor.offers.views import offer_outs
from models.offers import Offer

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
    offers: tuple[Offer, ...] = ()
    next_cursor: str | None = None
    if cursor is None or not cursor.startswith(DECIDED_CURSOR):
        waiting = queries.page_to_decide(session, account_id, now, cursor, limit, reseller_id)
        offers, next_cursor = waiting.items, waiting.next
    if next_cursor is None:
        start = _start(cursor)
        decided = queries.decided(session, account_id, DECIDED_SHOWN, reseller_id)[start:]
        room = limit - len(offers)
        offers = (*offers, *decided[:room])
        next_cursor = f"{DECIDED_CURSOR}{start + room}" if len(decided) > room else None
    count = queries.count_to_decide(session, account_id, now, reseller_id)
    return UpdatesOut(items=offer_outs(session, offers, now, viewer), next=next_cursor, count=count)


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
    return queries.count_to_decide(session, account_id, now, reseller_id)
