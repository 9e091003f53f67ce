"""Paid plans: take, change, cancel."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts.locks import lock_with_payer
from kontor.context import Context
from kontor.fees import queries
from kontor.fees.assignments import charge_to_date, start_run
from kontor.fees.catalogue import plan_prices
from kontor.fees.charging import Billing, convert_trial, set_plan
from kontor.fees.rules import BillingRun, PlanChange, Subscription, choose_plan, current_period, end_plan
from kontor.fees.schemas import SubscriptionOut
from kontor.kernel.errors import Conflict, FieldError, Invalid
from models.accounts import Account, AccountKind
from models.fees import FeeKind, FeeRun, StopReason


def take_plan(ctx: Context, session: Session, account_id: UUID, plan: str) -> Account:
    """Put an account on a plan; an upgrade takes effect now, any other change at the end of the paid period.

    The free plan means cancellation. Raises NotFound, Invalid(`unknown_plan`), Conflict
    (`account_deleted`, `already_reseller`).
    """
    account = lock_with_payer(session, account_id)
    programme = ctx.programme_of(session, account)
    _require_no_reseller(account)
    if plan not in programme.plans:
        message = f"There is no plan {plan!r}; choose one of {', '.join(programme.plans)}."
        raise Invalid("unknown_plan", message, errors=[FieldError("plan", message)])
    billing = charge_to_date(ctx, session, [account])
    current = _current(session, account.id)
    prices = plan_prices(programme)
    if plan not in prices:
        _cancel(current, billing)
        return account
    taken = choose_plan(_subscription(current), plan, prices, billing.today)
    if taken.new_run:
        _start(billing, account, current, plan)
    elif current is not None:
        _change(current, taken)
    session.flush()
    return account


def cancel_plan(ctx: Context, session: Session, account_id: UUID) -> Account:
    """End a paid plan with its paid period; without a paid plan nothing changes.

    Raises NotFound, Conflict(`account_deleted`).
    """
    account = lock_with_payer(session, account_id)
    billing = charge_to_date(ctx, session, [account])
    _cancel(_current(session, account.id), billing)
    session.flush()
    return account


def get_subscription(session: Session, account: Account, today: date) -> SubscriptionOut | None:
    """Return the paid plan of a local day, ends exclusive; None without a paid plan."""
    active = queries.active_runs(session, account.id, FeeKind.PLAN, today)
    if not active:
        return None
    run = active[0]
    return SubscriptionOut(
        plan=run.code,
        since=run.since,
        paid_until=current_period(BillingRun(run.anchor, run.since, run.until), today).end,
        ends_on=run.until,
        then=run.then_plan,
    )


def _require_no_reseller(account: Account) -> None:
    if account.kind == AccountKind.RESELLER:
        message = "Resellers cannot have a plan of their own."
        raise Conflict("already_reseller", message, state=account.kind)


def _current(session: Session, account_id: UUID) -> FeeRun | None:
    return next((run for run in queries.lock_open(session, [account_id]) if run.kind == FeeKind.PLAN), None)


def _subscription(run: FeeRun | None) -> Subscription | None:
    return None if run is None else Subscription(run.code, BillingRun(run.anchor, run.since, run.until), run.then_plan)


def _start(billing: Billing, account: Account, replaced: FeeRun | None, plan: str) -> None:
    if replaced is not None:
        replaced.ended, replaced.stopped_by, replaced.then_plan = True, StopReason.REPLACED.value, None
        billing.session.flush()
    start_run(billing, account, FeeKind.PLAN, plan)
    convert_trial(billing.ctx, billing.session, account)
    set_plan(billing.ctx, billing.session, billing.programme, account.id, plan)


def _change(run: FeeRun, taken: PlanChange) -> None:
    run.until, run.then_plan = taken.subscription.run.until, taken.subscription.then
    run.stopped_by = None if run.until is None else StopReason.REQUEST.value


def _cancel(run: FeeRun | None, billing: Billing) -> None:
    subscription = _subscription(run)
    if run is not None and subscription is not None:
        run.until, run.then_plan = end_plan(subscription, billing.today).run.until, None
        run.stopped_by = StopReason.REQUEST.value
