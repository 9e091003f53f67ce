import calendar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.kernel.periods import (
    Period,
    add_months,
    calendar_month,
    expiring_days,
    paid_period,
    paid_period_index,
    turnover_window,
)

days = st.dates(date(1990, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize(
    ("day", "months", "result"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 1, 15), -1, date(2025, 12, 15)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 5, 5), 0, date(2026, 5, 5)),
    ],
)
def test_day_missing_in_a_month_is_clamped(day: date, months: int, result: date) -> None:
    assert add_months(day, months) == result


@given(days, st.integers(-500, 500))
def test_adding_months_keeps_the_day_or_uses_the_last(day: date, months: int) -> None:
    there = add_months(day, months)

    assert there.year * 12 + there.month == day.year * 12 + day.month + months
    last = calendar.monthrange(there.year, there.month)[1]
    assert there.day == day.day or (there.day == last < day.day)


@given(days, st.integers(0, 300))
def test_paid_periods_are_contiguous(anchor: date, index: int) -> None:
    assert paid_period(anchor, index).end == paid_period(anchor, index + 1).start


@given(days, st.integers(0, 12_000))
def test_every_day_is_in_the_paid_period_of_its_index(anchor: date, later: int) -> None:
    day = anchor + timedelta(days=later)

    assert day in paid_period(anchor, paid_period_index(anchor, day))


@given(days)
def test_day_before_the_anchor_is_before_the_first_period(anchor: date) -> None:
    assert paid_period_index(anchor, anchor - timedelta(days=1)) == -1


def test_day_31_returns_after_a_shorter_month() -> None:
    starts = [paid_period(date(2027, 12, 31), index).start for index in range(5)]

    assert starts == [
        date(2027, 12, 31),
        date(2028, 1, 31),
        date(2028, 2, 29),
        date(2028, 3, 31),
        date(2028, 4, 30),
    ]


@pytest.mark.parametrize(
    ("day", "first"),
    [
        (date(2026, 3, 28), date(2026, 2, 28)),
        (date(2026, 3, 29), date(2026, 2, 28)),
        (date(2026, 3, 30), date(2026, 2, 28)),
        (date(2026, 3, 31), date(2026, 2, 28)),
        (date(2028, 3, 31), date(2028, 2, 29)),
        (date(2026, 1, 1), date(2025, 12, 1)),
        (date(2026, 1, 20), date(2025, 12, 20)),
    ],
)
def test_turnover_window_covers_one_calendar_month(day: date, first: date) -> None:
    window = turnover_window(day)

    assert (window.first, window.last) == (first, day)
    assert first in window
    assert day in window
    assert first - timedelta(days=1) not in window


@given(days)
def test_days_leaving_tomorrow_are_the_difference_of_two_windows(day: date) -> None:
    today, tomorrow = turnover_window(day), turnover_window(day + timedelta(days=1))
    gone = expiring_days(day)

    for back in range(40):
        probe = day - timedelta(days=back)
        assert (probe in today and probe not in tomorrow) == (gone is not None and probe in gone)


def test_no_day_leaves_while_the_window_is_clamped_and_all_leave_afterwards() -> None:
    assert expiring_days(date(2026, 3, 30)) is None
    assert expiring_days(date(2026, 3, 31)) == Period(date(2026, 2, 28), date(2026, 3, 1))
    assert expiring_days(date(2026, 2, 28)) == Period(date(2026, 1, 28), date(2026, 2, 1))


def test_calendar_month_is_in_local_time() -> None:
    moscow = ZoneInfo("Europe/Moscow")
    month = calendar_month(datetime(2026, 1, 31, 21, tzinfo=UTC), moscow)

    assert month == Period(date(2026, 2, 1), date(2026, 3, 1))
    assert month.instants(moscow)[0] == datetime(2026, 1, 31, 21, tzinfo=UTC)


def test_empty_period_is_refused() -> None:
    with pytest.raises(ValueError, match="must end after"):
        Period(date(2026, 1, 1), date(2026, 1, 1))
