"""Batch charging: a programme's due periods in ranges, or everything due of a reseller."""

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
"""Number of runs charged in one transaction."""


def ranges(ctx: FeeBook, session: Session, programme: str) -> list[tuple[Mark, Mark | None]]:
    """Return the start of each range of due runs, and the exclusive end (None for the last)."""
    today = ctx.today(ctx.programmes.current(session, programme))
    starts = rows.range_starts(session, programme, today, RANGE)
    return list(zip_longest(starts, starts[1:]))


def charge_range(ctx: FeeBook, session: Session, programme: str, first: Mark, before: Mark | None) -> int:
    """Charge the due runs from `first` to before `before`; return the number of charges."""
    billing = Billing.of(ctx, session, programme)
    return _charge(billing, rows.due(session, programme, billing.today, first, before))


def charge_reseller(ctx: FeeBook, session: Session, reseller_id: UUID) -> int:
    """Charge the due runs of a reseller's clients; return the number of charges."""
    owner = accounts.by_id(session, reseller_id)
    if owner is None:
        return 0
    billing = Billing.of(ctx, session, owner.programme)
    return _charge(billing, rows.due_of_reseller(session, reseller_id, billing.today))


def _charge(billing: Billing, due_rows: Sequence[Row[UUID, UUID, UUID | None]]) -> int:
    """Lock payers, accounts and runs, in that order, then charge; runs charged by others since are skipped."""
    if not due_rows:
        return 0
    payers = {row[2] for row in due_rows if row[2] is not None}
    owners = rows.hold_accounts(billing.session, {row[1] for row in due_rows}, payers)
    due_runs = rows.still_due(billing.session, {row[0] for row in due_rows}, billing.today)
    return billing.charge(due_runs, owners)
