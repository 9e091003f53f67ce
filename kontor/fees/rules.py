"""Recurring fees and paid plans as pure rules (programme.md 7)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from kontor.kernel.money import Money, percent_off, round_half_up
from kontor.kernel.periods import Period, paid_period, paid_period_index


@dataclass(frozen=True, slots=True)
class FeeAmounts:
    """Amounts of a charge: fee - discount = total."""

    fee: Money
    discount: Money
    total: Money


@dataclass(frozen=True, slots=True)
class BillingRun:
    """A monthly fee: periods counted from `anchor`, running from `since` to before `until`.

    All are local days in the programme's zone. `until` is the end of a paid period.
    """

    anchor: date
    since: date
    until: date | None = None


def start_run(day: date) -> BillingRun:
    """Start a run that is assigned on a local day."""
    return BillingRun(day, day)


def current_period(run: BillingRun, day: date) -> Period:
    """Return the paid period that contains `day`."""
    return paid_period(run.anchor, paid_period_index(run.anchor, day))


def end_run(run: BillingRun, day: date) -> BillingRun:
    """End a run that is unassigned on `day` at the end of the paid period."""
    return BillingRun(run.anchor, run.since, run.until or current_period(run, max(day, run.since)).end)


def resume_run(run: BillingRun) -> BillingRun:
    """Continue a run that is assigned again before its end: cancel the end only."""
    return BillingRun(run.anchor, run.since)


def is_over(run: BillingRun, day: date) -> bool:
    """Return whether the run has ended by a local day."""
    return run.until is not None and day >= run.until


def periods_due(run: BillingRun, charged: Collection[date], today: date) -> tuple[Period, ...]:
    """Return the periods to charge by `today`, oldest first.

    `charged`: first days of the periods already charged. After an outage every missed period is due.
    """
    last = today if run.until is None else min(today, run.until)
    first_index = paid_period_index(run.anchor, run.since)
    indices = range(first_index, paid_period_index(run.anchor, last) + 1)
    periods = (paid_period(run.anchor, index) for index in indices)
    return tuple(
        period
        for period in periods
        if period.start not in charged
        and run.since <= period.start <= today
        and (run.until is None or period.start < run.until)
    )


@dataclass(frozen=True, slots=True)
class Bill:
    """Due periods of a run, the start of the first period after them, and whether the run is over."""

    due: tuple[Period, ...]
    next_start: date
    over: bool


def bill(run: BillingRun, next_start: date, today: date) -> Bill:
    """Return what to charge by `today`; every period before `next_start` (a period's first day) is charged."""
    due = periods_due(BillingRun(run.anchor, next_start, run.until), (), today)
    return Bill(due, due[-1].end if due else next_start, is_over(run, today))


def discounted_fee(amount: Money, percent: Decimal) -> FeeAmounts:
    """Apply the reseller's discount to a fee; the total is rounded half up."""
    total = percent_off(amount, percent)
    return FeeAmounts(amount, amount - total, total)


def below_cost(retail: Money, cost: Money) -> bool:
    """Return whether a reseller charges its client less than it pays itself (allowed, but flagged)."""
    return retail < cost


@dataclass(frozen=True, slots=True)
class Subscription:
    """A paid plan and its run; `then` is the paid plan that follows the run, if any."""

    plan: str
    run: BillingRun
    then: str | None = None


@dataclass(frozen=True, slots=True)
class PlanChange:
    """Result of taking a plan; `new_run`: a new period starts and is charged today."""

    subscription: Subscription
    new_run: bool


@dataclass(frozen=True, slots=True)
class RunningPeriod:
    """The running period of a plan: the `fee` it was charged before discount, and whether this is its first instant."""

    fee: Money
    begins_now: bool = False


def choose_plan(
    current: Subscription | None, plan: str, price: Money, today: date, running: RunningPeriod | None = None
) -> PlanChange:
    """Take a paid plan of a price on a local day (programme.md 7.6).

    Taking the same plan again cancels a pending end or change. A plan that costs more than the running
    period was charged starts a new period at once. Any other plan follows at the period's end. At the
    period's first instant the plan replaces what was charged for that period, which keeps its days.
    """
    current = running_plan(current, today)
    if current is None:
        return PlanChange(Subscription(plan, start_run(today)), new_run=True)
    if plan == current.plan:
        return PlanChange(Subscription(plan, resume_run(current.run)), new_run=False)
    if running is not None and running.begins_now:
        return PlanChange(Subscription(plan, BillingRun(current.run.anchor, today)), new_run=True)
    if running is not None and running.fee < price:
        return PlanChange(Subscription(plan, start_run(today)), new_run=True)
    return PlanChange(Subscription(current.plan, end_run(current.run, today), plan), new_run=False)


def unused_part(total: Money, period: Period, day: date) -> Money:
    """Return the part of a period's total for its days from `day` on, rounded half up; at most all of it."""
    days = (period.end - period.start).days
    unused = min(max((period.end - day).days, 0), days)
    return Money(round_half_up(total.amount * unused / days, total.currency), total.currency)


def end_plan(current: Subscription, today: date) -> Subscription:
    """Cancel a subscription at the end of the paid period."""
    return Subscription(current.plan, end_run(current.run, today))


def running_plan(subscription: Subscription | None, today: date) -> Subscription | None:
    """Return what runs on a local day: the subscription itself, the plan that follows it, or nothing.

    The plan that follows keeps the anchor day.
    """
    if subscription is None or not is_over(subscription.run, today):
        return subscription
    until = subscription.run.until
    if subscription.then is None or until is None:
        return None
    return Subscription(subscription.then, BillingRun(subscription.run.anchor, until))
