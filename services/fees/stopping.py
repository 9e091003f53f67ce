"""Fees of accounts that leave their reseller, become a reseller, or are deleted."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from models.accounts import Account
from models.fees import FeeKind, Stop
from services.fees.book import FeeBook
from services.fees.settling import settle
from store.fees import runs


def stop_at_period_end(ctx: FeeBook, session: Session, accounts: Sequence[Account], reason: Stop) -> None:
    """End all runs of locked accounts of one programme with their paid period, except those that already end.

    Charges what is due first, to the current payer. Disconnected accounts keep their plan.
    """
    if not accounts:
        return
    settle(ctx, session, accounts)
    for run in runs.open_of(session, [account.id for account in accounts]):
        keeps_plan = reason is Stop.DISCONNECTED and run.kind == FeeKind.PLAN
        if run.until is None and not keeps_plan:
            run.until, run.stopped_by = run.next_start, reason.value
    session.flush()


def resume(ctx: FeeBook, session: Session, account: Account) -> None:
    """Continue the runs that a deletion stopped and that have not ended; call it before the account is restored."""
    settle(ctx, session, [account])
    for run in runs.open_of(session, [account.id]):
        if run.stopped_by == Stop.ACCOUNT_DELETED:
            run.until, run.stopped_by = None, None
    session.flush()
