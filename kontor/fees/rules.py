"""Recurring fees and paid plans as pure rules (programme.md 7)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from kontor.kernel.money import Money, percent_off
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


def choose_plan(current: Subscription | None, plan: str, prices: Mapping[str, Money], today: date) -> PlanChange:
    """Take a paid plan on a local day (programme.md 7.6).

    Taking the same plan again cancels a pending end or change. A more expensive plan starts a new
    period at once; the rest of the old period is not refunded. Any other plan follows at the
    period's end, also when the current plan is no longer in `prices`.
    """
    current = running_plan(current, today)
    old_price = None if current is None else prices.get(current.plan, prices[plan])
    if current is None or old_price is None or old_price < prices[plan]:
        return PlanChange(Subscription(plan, start_run(today)), new_run=True)
    if plan == current.plan:
        return PlanChange(Subscription(plan, resume_run(current.run)), new_run=False)
    return PlanChange(Subscription(current.plan, end_run(current.run, today), plan), new_run=False)


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
