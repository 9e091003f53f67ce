"""What becomes of accounts' fees when they leave their reseller, become one, or are deleted."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from models.accounts import Account
from models.fees import FeeKind, Stop
from services.fees.book import FeeBook
from services.fees.settling import settle
from store.fees import runs


def stop_at_period_end(book: FeeBook, session: Session, accounts: Sequence[Account], why: Stop) -> None:
    """End everything of locked accounts of one programme with its paid period; what ends already stays as it is.

    What is due is charged before, to whoever pays now. Disconnected accounts keep their plan.
    """
    if not accounts:
        return
    settle(book, session, accounts)
    for run in runs.open_of(session, [account.id for account in accounts]):
        keeps = why is Stop.DISCONNECTED and run.kind == FeeKind.PLAN
        if run.until is None and not keeps:
            run.until, run.stopped_by = run.next_start, why.value
    session.flush()


def resume(book: FeeBook, session: Session, account: Account) -> None:
    """Undo what a deletion stopped, as far as it did not end meanwhile; call it while the account is still deleted."""
    settle(book, session, [account])
    for run in runs.open_of(session, [account.id]):
        if run.stopped_by == Stop.ACCOUNT_DELETED:
            run.until, run.stopped_by = None, None
    session.flush()
