"""Recurring fees: monthly periods from the day of assignment, charged in advance (programme.md 7)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.money import Money, percent_off
from domain.periods import Period, paid_period, paid_period_index


@dataclass(frozen=True, slots=True)
class Fee:
    """What a charge records: fee - discount = total."""

    fee: Money
    discount: Money
    total: Money


@dataclass(frozen=True, slots=True)
class Run:
    """Something charged by the month: periods counted from `anchor`, from `since` to before `until`.

    All are local days of the programme's zone. `until` is the end of a paid period.
    """

    anchor: date
    since: date
    until: date | None = None


def starting(day: date) -> Run:
    """One that is assigned on a local day."""
    return Run(day, day)


def current_period(run: Run, day: date) -> Period:
    """The paid period that holds `day`."""
    return paid_period(run.anchor, paid_period_index(run.anchor, day))


def ending(run: Run, day: date) -> Run:
    """Unassigned on `day`: it runs to the end of the paid period."""
    return Run(run.anchor, run.since, run.until or current_period(run, max(day, run.since)).end)


def continuing(run: Run) -> Run:
    """Assigned again before its end: only the end is cancelled."""
    return Run(run.anchor, run.since)


def is_over(run: Run, day: date) -> bool:
    """Whether the run has ended by that local day."""
    return run.until is not None and day >= run.until


def periods_due(run: Run, charged: Collection[date], today: date) -> tuple[Period, ...]:
    """The periods to charge by `today`, oldest first, each dated with its own days.

    `charged` are the first days of periods charged before. After an outage every missed one is due.
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
    """What is due of a run on a day, the first period after that, and whether the run is over."""

    due: tuple[Period, ...]
    next_start: date
    over: bool


def bill(run: Run, next_start: date, today: date) -> Bill:
    """What to charge by `today` when every period before `next_start`, a period's first day, was charged."""
    due = periods_due(Run(run.anchor, next_start, run.until), (), today)
    return Bill(due, due[-1].end if due else next_start, is_over(run, today))


def fee(amount: Money, percent: Decimal) -> Fee:
    """A fee less the reseller's discount, the total rounded half up."""
    total = percent_off(amount, percent)
    return Fee(amount, amount - total, total)


def below_cost(retail: Money, cost: Money) -> bool:
    """Whether a reseller asks its client for less than it is charged (allowed, and flagged)."""
    return retail < cost
