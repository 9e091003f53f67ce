"""A reseller's clients on its pages: searched, filtered, sorted, in pages by key; the export takes the same filter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from kontor.accounts import queries
from kontor.accounts.client_filter import FILTER, ClientFilter, ClientSort
from kontor.kernel.paging import Page, cursor_id, invalid_cursor, paginate
from kontor.programme.service import Programmes
from kontor.usage import service as usage
from kontor.usage.rules import is_read_only
from models.accounts import Account

KEYS: Final = {
    ClientSort.NAME: ("a.name_key", "text", "asc"),
    ClientSort.NEWEST: ("a.created_at", "timestamptz", "desc"),
    ClientSort.TRIAL_ENDS: ("coalesce(a.trial_ends_at, 'infinity')", "timestamptz", "asc"),
}
PAGE: Final = """
SELECT a.id, a.plan FROM accounts AS a
WHERE a.reseller_id = :reseller_id AND a.purged_at IS NULL {filter} {further}
ORDER BY {key} {order}, a.id {order} LIMIT :limit
"""
NEAR: Final = """
WITH listed AS MATERIALIZED ({page}), placed AS (SELECT l.*, row_number() OVER () AS place FROM listed AS l)
SELECT a.id, a.place FROM placed AS a WHERE a.place >= :limit - 1 OR {near} ORDER BY a.place
"""
"""Of a page those that may be over a limit, and the last two: one where it ends, and one that says that more follow."""
LAST: Final = "SELECT CAST({key} AS text) FROM accounts AS a WHERE a.id = :after AND a.reseller_id = :reseller_id"
FURTHER: Final = "AND ({key}, a.id) {past} (CAST(:last AS {kind}), CAST(:after AS uuid))"
"""With the values themselves: a subquery here would not be read from the index."""
READ_AT_ONCE: Final = 100
MOST_READ: Final = 5_000
TYPES: Final = {"search": "text", "plan": "text", "states": "text[]", "now": "timestamptz"}


def page(
    session: Session,
    programmes: Programmes,
    reseller_id: UUID,
    criteria: ClientFilter,
    now: datetime,
    cursor: str | None,
    limit: int,
) -> Page[Account]:
    """Return a page of clients; the cursor is the id of the last. Raises Invalid for one that is none of them.

    By usage a page may be short: one call looks at 5,000 clients at most, and the cursor goes on from there.
    """
    query = ClientStatement.of(session, reseller_id, criteria, now, cursor)
    if criteria.by_usage:
        return _page_by_usage(session, programmes, query, now, limit)
    listed = session.execute(text(query.statement), {**query.params, "limit": limit + 1}).all()
    rows = paginate(listed, limit, lambda row: str(row.id))
    accounts = queries.accounts_with_ids(session, [row.id for row in rows.items])
    return Page(tuple(accounts[row.id] for row in rows.items), rows.next)


def _page_by_usage(
    session: Session, programmes: Programmes, query: ClientStatement, now: datetime, limit: int
) -> Page[Account]:
    programme = programmes.current(session, session.get_one(Account, query.reseller_id).programme)
    near, limits = usage.may_exceed(programme, now)
    params = {**query.params, **limits, "limit": MOST_READ + 1}
    rows = session.execute(text(NEAR.format(page=query.statement, near=near)), params).all()
    more = bool(rows) and rows[-1].place > MOST_READ
    candidates = [row.id for row in rows if row.place <= MOST_READ]
    matching: list[Account] = []
    for start in range(0, len(candidates), READ_AT_ONCE):
        ids = candidates[start : start + READ_AT_ONCE]
        part = queries.accounts_with_ids(session, ids)
        matching += _over_limit(session, programmes, [part[each] for each in ids], now)
        if len(matching) > limit:
            return Page(tuple(matching[:limit]), str(matching[limit - 1].id))
    return Page(tuple(matching), str(candidates[-1]) if more else None)


def _over_limit(
    session: Session, programmes: Programmes, accounts: Sequence[Account], now: datetime
) -> Iterator[Account]:
    """Yield the accounts that use more than one of their limits."""
    used = usage.current_values(session, programmes, accounts, now)
    current = {code: programmes.current(session, code) for code in {account.programme for account in accounts}}
    for account in accounts:
        allowed = usage.limits(account, current[account.programme], now)
        if is_read_only(used[account.id], allowed):
            yield account


@dataclass(frozen=True, slots=True)
class ClientStatement:
    """The statement of a page of (id, plan) of the clients that match, whatever they use; its `:limit` is left open."""

    reseller_id: UUID
    statement: str
    params: dict[str, object]

    @classmethod
    def of(
        cls, session: Session, reseller_id: UUID, criteria: ClientFilter, now: datetime, cursor: str | None
    ) -> ClientStatement:
        """Build it. Raises Invalid for a cursor that is none of the clients."""
        key, kind, order = KEYS[criteria.sort]
        conditions = FILTER.format(**{name: f"CAST(:{name} AS {kind})" for name, kind in TYPES.items()})
        params: dict[str, object] = {**criteria.params(), "now": now, "reseller_id": reseller_id}
        further = ""
        if cursor is not None:
            params["after"] = cursor_id(cursor)
            params["last"] = session.scalar(text(LAST.format(key=key)), params)
            if params["last"] is None:
                raise invalid_cursor()
            further = FURTHER.format(key=key, kind=kind, past=">" if order == "asc" else "<")
        return cls(reseller_id, PAGE.format(filter=conditions, key=key, order=order, further=further), params)


def names(session: Session, account_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the names of accounts by id."""
    return {each: account.name for each, account in queries.accounts_with_ids(session, account_ids).items()}
