from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from kontor.fees.rules import (
    BillingRun,
    below_cost,
    current_period,
    discounted_fee,
    end_run,
    is_over,
    periods_due,
    resume_run,
    start_run,
)
from kontor.kernel.money import Money
from kontor.kernel.periods import Period

days = st.dates(date(2024, 1, 1), date(2030, 12, 31))


def dollars(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def starts(run: BillingRun, today: str, *charged: str) -> list[str]:
    due = periods_due(run, {date.fromisoformat(day) for day in charged}, date.fromisoformat(today))
    return [period.start.isoformat() for period in due]


def test_first_period_is_due_on_the_day_of_assignment() -> None:
    assert starts(start_run(date(2026, 5, 10)), "2026-05-10") == ["2026-05-10"]
    assert starts(start_run(date(2026, 5, 10)), "2026-06-09", "2026-05-10") == []
    assert starts(start_run(date(2026, 5, 10)), "2026-06-10", "2026-05-10") == ["2026-06-10"]


def test_anchor_day_31_is_kept_over_a_leap_year() -> None:
    assert starts(start_run(date(2027, 12, 31)), "2028-05-30") == [
        "2027-12-31",
        "2028-01-31",
        "2028-02-29",
        "2028-03-31",
        "2028-04-30",
    ]


def test_missed_periods_are_due_separately_after_an_outage_of_three_months() -> None:
    run = start_run(date(2026, 1, 15))

    assert starts(run, "2026-04-20", "2026-01-15") == ["2026-02-15", "2026-03-15", "2026-04-15"]


def test_unassigning_takes_effect_at_the_end_of_the_paid_period() -> None:
    run = end_run(start_run(date(2026, 1, 31)), date(2026, 2, 10))

    assert run.until == date(2026, 2, 28)
    assert not is_over(run, date(2026, 2, 27))
    assert is_over(run, date(2026, 2, 28))
    assert starts(run, "2026-06-01", "2026-01-31") == []
    assert end_run(run, date(2026, 2, 20)) == run


def test_reassigning_before_the_end_cancels_the_end() -> None:
    run = start_run(date(2026, 1, 31))

    assert resume_run(end_run(run, date(2026, 2, 10))) == run


def test_last_day_belongs_to_its_period() -> None:
    assert current_period(start_run(date(2026, 1, 31)), date(2026, 2, 27)) == Period(
        date(2026, 1, 31), date(2026, 2, 28)
    )
    assert current_period(start_run(date(2026, 1, 31)), date(2026, 2, 28)) == Period(
        date(2026, 2, 28), date(2026, 3, 31)
    )


def test_retail_fee_of_20_dollars_is_not_below_a_wholesale_fee_of_10() -> None:
    wholesale, retail = dollars("10.00"), dollars("20.00")
    charged = discounted_fee(wholesale, Decimal(0))

    assert (charged.fee, charged.discount, charged.total) == (wholesale, dollars("0"), wholesale)
    assert not below_cost(retail, charged.total)
    assert not below_cost(dollars("10.00"), charged.total)
    assert below_cost(dollars("9.99"), charged.total)


@given(st.integers(0, 10**6), st.integers(0, 100))
def test_fee_less_discount_is_the_total(cents: int, percent: int) -> None:
    charged = discounted_fee(Money(Decimal(cents) / 100, "USD"), Decimal(percent))

    assert charged.fee - charged.discount == charged.total


@given(days, st.lists(st.integers(0, 400), max_size=30), st.none() | st.integers(0, 400))
def test_every_period_is_charged_once_for_any_sequence_of_runs(
    anchor: date, looks: list[int], stop: int | None
) -> None:
    run = start_run(anchor)
    if stop is not None:
        run = end_run(run, anchor + timedelta(days=stop))
    charged: list[date] = []
    for offset in sorted(looks):
        charged += [period.start for period in periods_due(run, charged, anchor + timedelta(days=offset))]

    assert len(charged) == len(set(charged))
    last = anchor + timedelta(days=max(looks, default=-1))
    obvious = [day for day in _starts(anchor) if day <= last and (run.until is None or day < run.until)]
    assert sorted(charged) == obvious


def _starts(anchor: date) -> list[date]:
    """Every first day of a period within two years, determined day by day."""
    first_days = []
    for later in range(800):
        day = anchor + timedelta(days=later)
        is_last = (day + timedelta(days=1)).month != day.month
        if day.day == anchor.day or (is_last and day.day < anchor.day):
            first_days.append(day)
    return first_days
