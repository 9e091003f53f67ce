"""Charge an account up to today before its fees change, and start new runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from domain.ids import new_id
from models.accounts import Account
from models.fees import FeeKind, FeeRun
from services.fees.book import FeeBook
from services.fees.charging import Billing
from store.fees import runs
from store.fees.runs import Holder


def settle(ctx: FeeBook, session: Session, accounts: Sequence[Account]) -> Billing:
    """Charge what is due of locked accounts of one programme, before anything about them changes.

    So the payer on the first day of a period pays for it, no matter when it is charged.
    """
    billing = Billing.of(ctx, session, accounts[0].programme)
    open_runs = runs.open_of(session, [account.id for account in accounts])
    due = [run for run in open_runs if run.next_start <= billing.today]
    billing.charge(due, {account.id: holder_of(account) for account in accounts})
    return billing


def begin(billing: Billing, account: Account, kind: FeeKind, code: str, **fields: Any) -> FeeRun:
    """Start a run today and charge its first period, in the caller's transaction."""
    run = FeeRun(
        id=new_id(),
        programme=account.programme,
        account_id=account.id,
        kind=kind.value,
        code=code,
        anchor=billing.today,
        since=billing.today,
        next_start=billing.today,
        ended=False,
        created_at=billing.ctx.now,
        **fields,
    )
    billing.session.add(run)
    round_ = Billing.of(billing.ctx, billing.session, account.programme)
    round_.charge([run], {account.id: holder_of(account)})
    return run


def holder_of(account: Account) -> Holder:
    """Return the owner of an account's runs."""
    return Holder(account.id, account.reseller_id, account.deleted_at is None)
