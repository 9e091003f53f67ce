from datetime import date
from decimal import Decimal

import pytest

from kontor.fees.rules import (
    BillingRun,
    RunningPeriod,
    Subscription,
    choose_plan,
    current_period,
    end_plan,
    periods_due,
    running_plan,
    unused_part,
)
from kontor.kernel.money import Money
from kontor.kernel.periods import Period

B, P = (Money(Decimal(amount), "EUR") for amount in (19, 49))
CHARGED = RunningPeriod(B)
DEAR = RunningPeriod(P)
BASIC = Subscription("basic", BillingRun(date(2026, 1, 31), date(2026, 1, 31)))
TODAY = date(2026, 2, 10)


def test_first_plan_starts_a_period_on_its_day() -> None:
    taken = choose_plan(None, "basic", B, TODAY)

    assert taken.new_run
    assert taken.subscription == Subscription("basic", BillingRun(TODAY, TODAY))
    assert current_period(taken.subscription.run, TODAY).end == date(2026, 3, 10)


def test_upgrade_starts_a_new_period_at_once() -> None:
    taken = choose_plan(BASIC, "premium", P, TODAY, CHARGED)

    assert taken.new_run
    assert taken.subscription == Subscription("premium", BillingRun(TODAY, TODAY))


def test_downgrade_waits_for_the_end_of_the_period_and_keeps_the_anchor() -> None:
    premium = Subscription("premium", BASIC.run)
    taken = choose_plan(premium, "basic", B, TODAY, DEAR)

    assert not taken.new_run
    assert (taken.subscription.plan, taken.subscription.then) == ("premium", "basic")
    assert running_plan(taken.subscription, date(2026, 2, 27)) == taken.subscription
    then = running_plan(taken.subscription, date(2026, 2, 28))
    assert then == Subscription("basic", BillingRun(date(2026, 1, 31), date(2026, 2, 28)))
    due = periods_due(then.run, [], date(2026, 4, 1))
    assert [period.start for period in due] == [date(2026, 2, 28), date(2026, 3, 31)]


def test_cancellation_waits_for_the_end_of_the_period() -> None:
    cancelled = end_plan(BASIC, TODAY)

    assert running_plan(cancelled, date(2026, 2, 27)) == cancelled
    assert running_plan(cancelled, date(2026, 2, 28)) is None


def test_taking_the_same_plan_again_cancels_the_pending_change() -> None:
    taken = choose_plan(end_plan(BASIC, TODAY), "basic", B, date(2026, 2, 11), CHARGED)

    assert not taken.new_run
    assert taken.subscription == BASIC


def test_upgrade_overrides_a_pending_cancellation() -> None:
    assert choose_plan(end_plan(BASIC, TODAY), "premium", P, TODAY, CHARGED).new_run


def test_plan_taken_after_its_end_starts_a_new_period() -> None:
    taken = choose_plan(end_plan(BASIC, TODAY), "basic", B, date(2026, 2, 28), CHARGED)

    assert taken.new_run
    assert taken.subscription.run.anchor == date(2026, 2, 28)


def test_change_from_a_plan_without_a_charge_waits_for_the_end_of_the_period() -> None:
    taken = choose_plan(Subscription("gold", BASIC.run), "premium", P, TODAY)

    assert not taken.new_run
    assert taken.subscription.then == "premium"


def test_plan_is_a_downgrade_when_it_costs_less_than_the_running_period_was_charged() -> None:
    """B2 of the faults: premium at 49, now 15, and basic at 19 is taken."""
    premium = Subscription("premium", BASIC.run)

    assert choose_plan(premium, "basic", B, TODAY, DEAR).subscription.then == "basic"


def test_plan_is_an_upgrade_when_the_running_one_was_charged_less_than_it_costs_now() -> None:
    assert choose_plan(
        Subscription("premium", BASIC.run), "basic", B, TODAY, RunningPeriod(Money(Decimal(15), "EUR"))
    ).new_run


@pytest.mark.parametrize(("plan", "price"), [("basic", B), ("luxury", P)])
def test_plan_replaces_the_period_and_keeps_the_anchor_when_its_first_instant_is_now(plan: str, price: Money) -> None:
    premium = Subscription("premium", BASIC.run)
    taken = choose_plan(premium, plan, price, date(2026, 2, 28), RunningPeriod(P, begins_now=True))

    assert taken.new_run
    assert taken.subscription == Subscription(plan, BillingRun(date(2026, 1, 31), date(2026, 2, 28)))


@pytest.mark.parametrize(
    ("total", "start", "end", "day", "credit"),
    [
        ("15.20", (2026, 1, 31), (2026, 2, 28), (2026, 2, 10), "9.77"),  # 18 of 28 days
        ("15.20", (2028, 1, 31), (2028, 2, 29), (2028, 1, 31), "15.20"),
        ("15.20", (2028, 1, 31), (2028, 2, 29), (2028, 2, 28), "0.52"),
        ("15.20", (2028, 1, 31), (2028, 2, 29), (2028, 2, 29), "0.00"),
        ("15.20", (2028, 1, 31), (2028, 2, 29), (2028, 1, 30), "15.20"),  # a zone moved west
        ("0.31", (2026, 1, 1), (2026, 2, 1), (2026, 1, 17), "0.15"),
        ("0.30", (2026, 4, 1), (2026, 5, 1), (2026, 4, 30), "0.01"),
        ("0.15", (2026, 4, 1), (2026, 5, 1), (2026, 4, 30), "0.01"),  # 0.005: half up
    ],
)
def test_unused_part_is_by_days_and_half_up(
    total: str, start: tuple[int, int, int], end: tuple[int, int, int], day: tuple[int, int, int], credit: str
) -> None:
    part = unused_part(Money(Decimal(total), "EUR"), Period(date(*start), date(*end)), date(*day))

    assert f"{part.amount:f}" == credit
