"""Recurring fees: monthly periods from the day of assignment, charged in advance (programme.md 7)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.money import Money, percent_off
from domain.periods import Period, paid_period, paid_period_index


@dataclass(frozen=True, slots=True)
class Fee:
    """Amounts of a charge: fee - discount = total."""

    fee: Money
    discount: Money
    total: Money


@dataclass(frozen=True, slots=True)
class Run:
    """A monthly fee: periods counted from `anchor`, running from `since` to before `until`.

    All are local days in the programme's zone. `until` is the end of a paid period.
    """

    anchor: date
    since: date
    until: date | None = None


def starting(day: date) -> Run:
    """Start a run that is assigned on a local day."""
    return Run(day, day)


def current_period(run: Run, day: date) -> Period:
    """Return the paid period that contains `day`."""
    return paid_period(run.anchor, paid_period_index(run.anchor, day))


def ending(run: Run, day: date) -> Run:
    """End a run that is unassigned on `day` at the end of the paid period."""
    return Run(run.anchor, run.since, run.until or current_period(run, max(day, run.since)).end)


def continuing(run: Run) -> Run:
    """Continue a run that is assigned again before its end: cancel the end only."""
    return Run(run.anchor, run.since)


def is_over(run: Run, day: date) -> bool:
    """Return whether the run has ended by a local day."""
    return run.until is not None and day >= run.until


def periods_due(run: Run, charged: Collection[date], today: date) -> tuple[Period, ...]:
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


def bill(run: Run, next_start: date, today: date) -> Bill:
    """Return what to charge by `today`; every period before `next_start` (a period's first day) is charged."""
    due = periods_due(Run(run.anchor, next_start, run.until), (), today)
    return Bill(due, due[-1].end if due else next_start, is_over(run, today))


def fee(amount: Money, percent: Decimal) -> Fee:
    """Apply the reseller's discount to a fee; the total is rounded half up."""
    total = percent_off(amount, percent)
    return Fee(amount, amount - total, total)


def below_cost(retail: Money, cost: Money) -> bool:
    """Return whether a reseller charges its client less than it pays itself (allowed, but flagged)."""
    return retail < cost
