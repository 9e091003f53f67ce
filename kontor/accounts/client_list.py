"""A reseller's clients on its pages: searched, filtered, sorted, in pages by key; the export takes the same filter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from kontor.accounts import queries
from kontor.accounts.client_filter import FILTER, ClientFilter, ClientSort
from kontor.kernel.paging import Page, cursor_id, paginate
from models.accounts import Account

KEYS: Final = {
    ClientSort.NAME: ("a.name_key", "asc"),
    ClientSort.NEWEST: ("a.created_at", "desc"),
    ClientSort.TRIAL_ENDS: ("coalesce(a.trial_ends_at, 'infinity')", "asc"),
}
PAGE: Final = """
SELECT a.id FROM accounts AS a
WHERE a.reseller_id = :reseller_id AND a.purged_at IS NULL {filter}
 AND (CAST(:after AS uuid) IS NULL OR ({key}, a.id) {past} (SELECT {key}, a.id FROM accounts AS a WHERE a.id = :after))
ORDER BY {key} {order}, a.id {order} LIMIT :limit
"""
TYPES: Final = {"search": "text", "plan": "text", "state": "text", "now": "timestamptz"}


def page(
    session: Session, reseller_id: UUID, criteria: ClientFilter, now: datetime, cursor: str | None, limit: int
) -> Page[Account]:
    """Return a page of clients; the cursor is the id of the last. Raises Invalid for a malformed one."""
    key, order = KEYS[criteria.sort]
    conditions = FILTER.format(**{name: f"CAST(:{name} AS {kind})" for name, kind in TYPES.items()})
    statement = PAGE.format(filter=conditions, key=key, order=order, past=">" if order == "asc" else "<")
    params = {
        **criteria.params(),
        "now": now,
        "reseller_id": reseller_id,
        "after": cursor_id(cursor),
        "limit": limit + 1,
    }
    ids: Sequence[UUID] = session.scalars(text(statement), params).all()
    accounts = queries.accounts_with_ids(session, ids)
    return paginate([accounts[each] for each in ids], limit, lambda account: str(account.id))
