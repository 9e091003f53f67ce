"""The turnover by day over the window, and the chart of it."""

from datetime import date
from decimal import Decimal

import pytest

from kontor.discounts.rules import TurnoverDay, TurnoverEntry, explain_discount, turnover_by_day
from kontor.discounts.window_chart import DAY_WIDTH, HEIGHT, THINNEST, window_chart
from kontor.kernel.periods import turnover_window
from kontor.kernel.states import PaymentKind
from kontor.programme.model import TurnoverDiscount

PAYMENT, REFUND, CHARGEBACK = PaymentKind.PAYMENT, PaymentKind.REFUND, PaymentKind.CHARGEBACK


def entry(day: date, amount: str, kind: PaymentKind = PAYMENT) -> TurnoverEntry:
    return TurnoverEntry(day, kind, Decimal(amount), "P")


def amounts(days: tuple[TurnoverDay, ...]) -> dict[date, Decimal]:
    return {each.day: each.amount for each in days}


@pytest.mark.parametrize(
    ("day", "count"),
    [(date(2027, 3, 20), 29), (date(2028, 3, 20), 30), (date(2026, 5, 20), 31), (date(2026, 1, 20), 32)],
)
def test_every_day_of_the_window_stands_once_however_long_the_month_before_is(day: date, count: int) -> None:
    days = turnover_by_day([], day)
    window = turnover_window(day)

    assert (len(days), days[0].day, days[-1].day) == (count, window.first, window.last)
    assert len(set(amounts(days))) == count
    assert window_chart(days).width == count * DAY_WIDTH


def test_days_add_up_to_the_turnover_with_refunds_and_chargebacks_below_zero_when_they_exceed_payments() -> None:
    day = date(2026, 1, 20)
    entries = [
        entry(date(2025, 12, 19), "7000"),
        entry(date(2025, 12, 20), "3000"),
        entry(date(2026, 1, 5), "49000"),
        entry(date(2026, 1, 5), "9000.50", REFUND),
        entry(date(2026, 1, 6), "100", CHARGEBACK),
    ]
    days = amounts(turnover_by_day(entries, day))

    assert {each: str(amount) for each, amount in days.items() if amount} == {
        date(2025, 12, 20): "3000", date(2026, 1, 5): "39999.50", date(2026, 1, 6): "-100",
    }  # fmt: skip
    assert sum(days.values()) == explain_discount(TurnoverDiscount((), ()), entries, day).turnover


@pytest.mark.parametrize(
    ("day", "leaving"),
    [
        (date(2026, 1, 20), [date(2025, 12, 20)]),
        (date(2026, 2, 28), [date(2026, 1, 28), date(2026, 1, 29), date(2026, 1, 30), date(2026, 1, 31)]),
        (date(2026, 3, 29), []),
    ],
)
def test_days_that_tomorrow_does_not_count_are_marked(day: date, leaving: list[date]) -> None:
    days = turnover_by_day([], day)

    assert [each.day for each in days if each.leaves] == leaving
    assert window_chart(days).tomorrow == len(leaving) * DAY_WIDTH


def shape(*values: str) -> list[tuple[float, float]]:
    """Top and height of the bars of some amounts."""
    days = [TurnoverDay(date(2026, 1, 1 + number), Decimal(value), False) for number, value in enumerate(values)]
    return [(bar.top, bar.height) for bar in window_chart(days).bars]


def test_bars_stand_on_the_line_of_zero_and_hang_below_it_when_an_amount_is_negative() -> None:
    assert shape("300", "0", "-100") == [(0, 75), (75, 0), (75, 25)]
    assert shape("-50", "-100") == [(0, 50), (0, 100)]


def test_bars_are_flat_when_nothing_was_paid_and_never_vanish_when_something_was() -> None:
    assert shape("0", "0") == [(HEIGHT, 0), (HEIGHT, 0)]
    assert shape("1000000", "0.01")[1] == (HEIGHT - THINNEST, THINNEST)
