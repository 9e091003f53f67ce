"""Charging many: a programme's due periods in ranges, or everything a reseller owes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from services.fees.book import FeeBook
from services.fees.charging import Billing
from store import accounts
from store.fees import runs as rows
from store.fees.runs import Mark

RANGE: Final = 2_000
"""How many runs one transaction charges."""


def ranges(book: FeeBook, session: Session, programme: str) -> list[tuple[Mark, Mark | None]]:
    """Where the ranges of due runs of a programme begin, and before which place each ends."""
    today = book.today(book.programmes.current(session, programme))
    starts = rows.range_starts(session, programme, today, RANGE)
    return list(zip_longest(starts, starts[1:]))


def charge_range(book: FeeBook, session: Session, programme: str, first: Mark, before: Mark | None) -> int:
    """Charge what is due from one place to before another; return how many charges were made."""
    billing = Billing.of(book, session, programme)
    return _charge(billing, rows.due(session, programme, billing.today, first, before))


def charge_reseller(book: FeeBook, session: Session, reseller_id: UUID) -> int:
    """Charge what is due of a reseller's clients; return how many charges were made."""
    owner = accounts.by_id(session, reseller_id)
    if owner is None:
        return 0
    billing = Billing.of(book, session, owner.programme)
    return _charge(billing, rows.due_of_reseller(session, reseller_id, billing.today))


def _charge(billing: Billing, found: Sequence[Row[UUID, UUID, UUID | None]]) -> int:
    """Lock payers, accounts, runs, in that order; what was charged meanwhile is left alone."""
    if not found:
        return 0
    payers = {row[2] for row in found if row[2] is not None}
    holders = rows.hold_accounts(billing.session, {row[1] for row in found}, payers)
    due = rows.still_due(billing.session, {row[0] for row in found}, billing.today)
    return billing.charge(due, holders)
