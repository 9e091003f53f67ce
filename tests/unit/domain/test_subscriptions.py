from datetime import date
from decimal import Decimal

from kontor.fees.rules import BillingRun, Subscription, choose_plan, current_period, end_plan, periods_due, running_plan
from kontor.kernel.money import Money

PRICES = {code: Money(Decimal(amount), "EUR") for code, amount in (("basic", 19), ("premium", 49))}
BASIC = Subscription("basic", BillingRun(date(2026, 1, 31), date(2026, 1, 31)))
TODAY = date(2026, 2, 10)


def test_first_plan_starts_a_period_on_its_day() -> None:
    taken = choose_plan(None, "basic", PRICES, TODAY)

    assert taken.new_run
    assert taken.subscription == Subscription("basic", BillingRun(TODAY, TODAY))
    assert current_period(taken.subscription.run, TODAY).end == date(2026, 3, 10)


def test_upgrade_starts_a_new_period_at_once() -> None:
    taken = choose_plan(BASIC, "premium", PRICES, TODAY)

    assert taken.new_run
    assert taken.subscription == Subscription("premium", BillingRun(TODAY, TODAY))


def test_downgrade_waits_for_the_end_of_the_period_and_keeps_the_anchor() -> None:
    premium = Subscription("premium", BASIC.run)
    taken = choose_plan(premium, "basic", PRICES, TODAY)

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
    taken = choose_plan(end_plan(BASIC, TODAY), "basic", PRICES, date(2026, 2, 11))

    assert not taken.new_run
    assert taken.subscription == BASIC


def test_upgrade_overrides_a_pending_cancellation() -> None:
    assert choose_plan(end_plan(BASIC, TODAY), "premium", PRICES, TODAY).new_run


def test_plan_taken_after_its_end_starts_a_new_period() -> None:
    taken = choose_plan(end_plan(BASIC, TODAY), "basic", PRICES, date(2026, 2, 28))

    assert taken.new_run
    assert taken.subscription.run.anchor == date(2026, 2, 28)


def test_change_from_a_discontinued_plan_waits_for_the_end_of_the_period() -> None:
    taken = choose_plan(Subscription("gold", BASIC.run), "premium", PRICES, TODAY)

    assert not taken.new_run
    assert taken.subscription.then == "premium"
