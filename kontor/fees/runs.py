"""Runs of fees: charged up to today before anything about them changes, started, stopped, resumed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.fees import queries
from kontor.fees.charging import Billing
from kontor.fees.fee_events import emit_subscriptions
from kontor.fees.queries import RunOwner
from kontor.kernel.ids import new_id
from models.accounts import Account
from models.fees import FeeKind, FeeRun, StopReason


def charge_to_date(ctx: Context, session: Session, accounts: Sequence[Account]) -> Billing:
    """Charge what is due of locked accounts of one programme, before anything about them changes.

    So the payer on the first day of a period pays for it, no matter when it is charged.
    """
    billing = Billing.of(ctx, session, accounts[0].programme)
    open_runs = queries.lock_open(session, [account.id for account in accounts])
    due = [run for run in open_runs if run.next_start <= billing.today]
    billing.charge(due, {account.id: owner_of(account) for account in accounts})
    return billing


def start_run(
    billing: Billing,
    account: Account,
    kind: FeeKind,
    code: str,
    *,
    retail_fee: Decimal | None = None,
    anchor: date | None = None,
) -> FeeRun:
    """Start a run today and charge its first period, in the caller's transaction; `anchor` is today by default."""
    run = FeeRun(
        id=new_id(),
        programme=account.programme,
        account_id=account.id,
        kind=kind.value,
        code=code,
        anchor=anchor or billing.today,
        since=billing.today,
        next_start=billing.today,
        ended=False,
        created_at=billing.ctx.now,
        retail_fee=retail_fee,
    )
    billing.session.add(run)
    round_ = Billing.of(billing.ctx, billing.session, account.programme, starting=True)
    round_.charge([run], {account.id: owner_of(account)})
    return run


def owner_of(account: Account) -> RunOwner:
    """Return the owner of an account's runs."""
    return RunOwner(account.id, account.reseller_id, account.deleted_at is None)


def stop_at_period_end(ctx: Context, session: Session, accounts: Sequence[Account], reason: StopReason) -> None:
    """End all runs of locked accounts of one programme with their paid period, except those that already end.

    Charges what is due first, to the current payer. Disconnected accounts keep their plan.
    """
    if not accounts:
        return
    charge_to_date(ctx, session, accounts)
    plans_of: list[UUID] = []
    for run in queries.lock_open(session, [account.id for account in accounts]):
        keeps_plan = reason is StopReason.DISCONNECTED and run.kind == FeeKind.PLAN
        if run.until is None and not keeps_plan:
            run.until, run.stopped_by = run.next_start, reason.value
            plans_of += [run.account_id] if run.kind == FeeKind.PLAN else []
    emit_subscriptions(ctx, session, plans_of)


def resume_runs(ctx: Context, session: Session, account: Account) -> None:
    """Continue the runs that a deletion stopped and that have not ended; call it before the account is restored."""
    charge_to_date(ctx, session, [account])
    plans_of: list[UUID] = []
    for run in queries.lock_open(session, [account.id]):
        if run.stopped_by == StopReason.ACCOUNT_DELETED:
            run.until, run.stopped_by = None, None
            plans_of += [run.account_id] if run.kind == FeeKind.PLAN else []
    emit_subscriptions(ctx, session, plans_of)
