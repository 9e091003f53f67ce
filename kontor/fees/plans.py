"""Paid plans: take, change, cancel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts.locks import lock_with_payer
from kontor.context import Context
from kontor.evidence.acts import rolled_back
from kontor.fees import queries
from kontor.fees.catalogue import plan_prices
from kontor.fees.charging import Billing, convert_trial, set_plan
from kontor.fees.credits import credit_unused, lock_payers, running_period, sums_by_payer
from kontor.fees.fee_events import emit_subscriptions
from kontor.fees.queries import NewCharge
from kontor.fees.rules import BillingRun, Subscription, choose_plan, current_period, discounted_fee, end_plan
from kontor.fees.runs import charge_to_date, start_run
from kontor.fees.schemas import SubscriptionOut
from kontor.kernel.errors import Conflict, FieldError, Invalid
from kontor.kernel.money import Money
from kontor.kernel.zones import day_start
from models.accounts import Account, AccountKind
from models.fees import FeeKind, FeeRun, StopReason


@dataclass(frozen=True, slots=True)
class PlanLines:
    """What a change of plan charges and credits at an instant; `payer`: whom it charges, None for the account itself.

    Each payer gets back what it paid: `credits` by payer.
    """

    charge: Money
    at: datetime
    payer: UUID | None
    credits: Mapping[UUID | None, Money] = field(default_factory=dict)

    def credit(self, viewer: UUID | None = None) -> Money:
        """Return what is credited in all, or to one reseller."""
        amounts = (amount for payer, amount in self.credits.items() if viewer in (None, payer))
        return sum(amounts, self.charge * 0)


@dataclass(frozen=True, slots=True)
class PlanTaken:
    """A locked account after a change of plan, and its lines."""

    account: Account
    lines: PlanLines


def take_plan(ctx: Context, session: Session, account_id: UUID, plan: str) -> PlanTaken:
    """Put an account on a plan; an upgrade takes effect now, any other change at the end of the paid period.

    The free plan means cancellation. Raises NotFound, Invalid(`unknown_plan`), Conflict
    (`account_deleted`, `already_reseller`).
    """
    lock_payers(session, account_id)
    account = lock_with_payer(session, account_id)
    programme = ctx.programme_of(session, account)
    _require_no_reseller(account)
    if plan not in programme.plans:
        message = f"There is no plan {plan!r}; choose one of {', '.join(programme.plans)}."
        raise Invalid("unknown_plan", message, errors=[FieldError("plan", message)])
    billing = charge_to_date(ctx, session, [account])
    current = _current(session, account.id)
    before = _noted(account, current)
    prices = plan_prices(programme)
    if plan not in prices:
        lines = _cancel(billing, account, current)
        _announce(ctx, session, account, before)
        return PlanTaken(account, lines)
    running = running_period(billing, current)
    choice = choose_plan(_subscription(current), plan, prices[plan], billing.today, running)
    if choice.new_run or current is None:
        lines = _start(billing, account, current, choice.subscription)
    else:
        lines = _change(billing, account, current, choice.subscription)
    _announce(ctx, session, account, before)
    return PlanTaken(account, lines)


def quote_plan(ctx: Context, session: Session, account_id: UUID, plan: str) -> PlanLines:
    """Return what `take_plan` would charge and credit now: it is called and rolled back. Raises as it does."""
    with rolled_back(session):
        return take_plan(ctx, session, account_id, plan).lines


def cancel_plan(ctx: Context, session: Session, account_id: UUID) -> Account:
    """End a paid plan with its paid period; without a paid plan nothing changes.

    Raises NotFound, Conflict(`account_deleted`).
    """
    account = lock_with_payer(session, account_id)
    billing = charge_to_date(ctx, session, [account])
    current = _current(session, account.id)
    before = _noted(account, current)
    _cancel(billing, account, current)
    _announce(ctx, session, account, before)
    return account


PlanState = tuple[str, date | None, str | None]
"""The plan in force, when it ends, what follows."""


def _noted(account: Account, run: FeeRun | None) -> PlanState:
    return (account.plan, None, None) if run is None else (account.plan, run.until, run.then_plan)


def _announce(ctx: Context, session: Session, account: Account, before: PlanState) -> None:
    """Emit `subscription.changed` if it did."""
    session.flush()
    if _noted(account, _current(session, account.id)) != before:
        emit_subscriptions(ctx, session, [account.id])


def get_subscription(session: Session, account: Account, today: date) -> SubscriptionOut | None:
    """Return the paid plan of a local day, ends exclusive; None without a paid plan."""
    active = queries.active_runs(session, account.id, FeeKind.PLAN, today)
    if not active:
        return None
    run = active[0]
    return SubscriptionOut(
        plan=run.code,
        since=run.since,
        paid_until=current_period(BillingRun(run.anchor, run.since, run.until), max(today, run.since)).end,
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


def _start(billing: Billing, account: Account, replaced: FeeRun | None, taken: Subscription) -> PlanLines:
    """Start a plan now, in place of what runs, whose unused days are credited."""
    credited: list[NewCharge] = []
    if replaced is not None:
        replaced.ended, replaced.stopped_by, replaced.then_plan = True, StopReason.REPLACED.value, None
        billing.session.flush()
        credited = credit_unused(billing, replaced)
    run = start_run(billing, account, FeeKind.PLAN, taken.plan, anchor=taken.run.anchor)
    convert_trial(billing.ctx, billing.session, account)
    set_plan(billing.ctx, billing.session, billing.programme, account.id, taken.plan)
    nothing = _nothing(billing, account)
    charge = nothing.charge if run.monthly is None else Money(run.monthly, nothing.charge.currency)
    return replace(nothing, charge=charge, credits=sums_by_payer(credited))


def _change(billing: Billing, account: Account, run: FeeRun, taken: Subscription) -> PlanLines:
    """Let a plan go on, or another follow it; what changes is charged at the period's end."""
    goes_on = run.until is None and taken.then is None
    run.until, run.then_plan = taken.run.until, taken.then
    run.stopped_by = None if run.until is None else StopReason.REQUEST.value
    if goes_on:
        return _nothing(billing, account)
    price = plan_prices(billing.programme)[taken.then or taken.plan]
    percent = billing.percents.of(account.reseller_id, None, billing.today)
    charge, at = discounted_fee(price, percent).total, day_start(run.until or run.next_start, billing.programme.zone)
    return replace(_nothing(billing, account), charge=charge, at=at)


def _cancel(billing: Billing, account: Account, run: FeeRun | None) -> PlanLines:
    """End a plan with its paid period."""
    subscription, nothing = _subscription(run), _nothing(billing, account)
    if run is None or subscription is None:
        return nothing
    run.until, run.then_plan = end_plan(subscription, billing.today).run.until, None
    run.stopped_by = StopReason.REQUEST.value
    return replace(nothing, at=day_start(run.until or run.next_start, billing.programme.zone))


def _nothing(billing: Billing, account: Account) -> PlanLines:
    return PlanLines(Money(Decimal(0), billing.programme.currency), billing.ctx.now, account.reseller_id)
