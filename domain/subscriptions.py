"""A client's paid plan: upgrades take effect at once, downgrades and cancellations at the period's end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from domain.fees import Run, continuing, current_period, ending, is_over, starting
from domain.money import Money


@dataclass(frozen=True, slots=True)
class Subscription:
    """A paid plan and its run; `then` is the paid plan that follows the run, if any."""

    plan: str
    run: Run
    then: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """Result of taking a plan; `new_run`: a new period starts and is charged today."""

    subscription: Subscription
    new_run: bool


def take(current: Subscription | None, plan: str, prices: Mapping[str, Money], today: date) -> Taken:
    """Take a paid plan on a local day (programme.md 7.6).

    Taking the same plan again cancels a pending end or change. A more expensive plan starts a new
    period at once; the rest of the old period is not refunded. Any other plan follows at the
    period's end, also when the current plan is no longer in `prices`.
    """
    current = running(current, today)
    old_price = None if current is None else prices.get(current.plan, prices[plan])
    if current is None or old_price is None or old_price < prices[plan]:
        return Taken(Subscription(plan, starting(today)), new_run=True)
    if plan == current.plan:
        return Taken(Subscription(plan, continuing(current.run)), new_run=False)
    return Taken(Subscription(current.plan, ending(current.run, today), plan), new_run=False)


def cancel(current: Subscription, today: date) -> Subscription:
    """Cancel a subscription at the end of the paid period."""
    return Subscription(current.plan, ending(current.run, today))


def running(subscription: Subscription | None, today: date) -> Subscription | None:
    """Return what runs on a local day: the subscription itself, the plan that follows it, or nothing.

    The plan that follows keeps the anchor day.
    """
    if subscription is None or not is_over(subscription.run, today):
        return subscription
    until = subscription.run.until
    if subscription.then is None or until is None:
        return None
    return Subscription(subscription.then, Run(subscription.run.anchor, until))


def paid_until(subscription: Subscription, today: date) -> date:
    """Return the exclusive end of the period that is paid today."""
    return current_period(subscription.run, today).end
