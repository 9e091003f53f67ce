from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.kernel.errors import Conflict
from kontor.kernel.states import TrialState
from kontor.programme.model import Plan, TrialRules
from kontor.usage.rules import (
    TrialRun,
    check_trial_start,
    limits_in_force,
    reminder_due,
    reminders,
    trial_identity,
    trial_state,
)

NOW = datetime(2026, 3, 25, 9, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = TrialRules(7 * DAY, (3 * DAY, DAY))
RUN = TrialRun.starting(WEEK, NOW)
TICK = timedelta(microseconds=1)


def test_trial_lasts_seven_times_24_hours_over_a_clock_change() -> None:
    start = datetime(2026, 3, 25, 9, tzinfo=ZoneInfo("Europe/Paris")).astimezone(UTC)
    run = TrialRun.starting(WEEK, start)

    assert run.ends_at - run.started_at == timedelta(hours=168)
    assert run.ends_at.astimezone(ZoneInfo("Europe/Paris")).hour == 10


def test_end_is_exclusive_and_needs_no_job() -> None:
    assert trial_state(RUN, RUN.ends_at - TICK) is TrialState.RUNNING
    assert trial_state(RUN, RUN.ends_at) is TrialState.EXPIRED
    assert trial_state(None, NOW) is TrialState.NONE


def test_paid_plan_converts_the_trial_only_before_its_end() -> None:
    converted = TrialRun(NOW, RUN.ends_at, stopped_at=NOW + DAY, converted=True)

    assert trial_state(converted, NOW + DAY) is TrialState.CONVERTED
    assert trial_state(converted, RUN.ends_at + DAY) is TrialState.CONVERTED
    assert trial_state(RUN, RUN.ends_at - TICK) is TrialState.RUNNING
    assert trial_state(RUN, RUN.ends_at) is not TrialState.RUNNING
    assert trial_state(converted, NOW + 2 * DAY) is not TrialState.RUNNING
    too_late = TrialRun(NOW, RUN.ends_at, stopped_at=RUN.ends_at, converted=True)
    assert trial_state(too_late, RUN.ends_at) is TrialState.EXPIRED


def test_closed_account_ends_the_trial_as_expired() -> None:
    assert trial_state(TrialRun(NOW, RUN.ends_at, stopped_at=NOW + DAY), NOW + DAY) is TrialState.EXPIRED


@pytest.mark.parametrize(
    ("rules", "used", "subscribed", "code"),
    [
        (None, False, False, "no_trial"),
        (WEEK, True, False, "trial_used"),
        (WEEK, True, True, "trial_used"),
        (WEEK, False, True, "already_subscribed"),
    ],
)
def test_trial_is_refused_with_a_reason(rules: TrialRules | None, used: bool, subscribed: bool, code: str) -> None:
    with pytest.raises(Conflict) as caught:
        check_trial_start(rules, used=used, subscribed=subscribed)
    assert caught.value.code == code


def test_first_trial_may_start() -> None:
    assert check_trial_start(WEEK, used=False, subscribed=False) is WEEK


def test_no_limit_applies_during_a_trial() -> None:
    plan = Plan("free", "Free", None, {"appointments": 50})

    assert limits_in_force(plan, TrialState.RUNNING) == {"appointments": None}
    for state in (TrialState.NONE, TrialState.EXPIRED, TrialState.CONVERTED):
        assert limits_in_force(plan, state) == {"appointments": 50}


def test_reminders_are_due_three_days_and_one_day_before_the_end() -> None:
    assert reminders(RUN, WEEK) == (NOW + 4 * DAY, NOW + 6 * DAY)


def test_lead_time_in_the_first_half_is_left_out() -> None:
    short = TrialRules(5 * DAY, (3 * DAY, DAY))

    assert reminders(TrialRun.starting(short, NOW), short) == (NOW + 4 * DAY,)
    even = TrialRules(6 * DAY, (3 * DAY,))
    assert reminders(TrialRun.starting(even, NOW), even) == (NOW + 3 * DAY,)


def test_one_late_reminder_is_sent_after_an_outage() -> None:
    assert reminder_due(RUN, WEEK, [], NOW + 4 * DAY - TICK) is None
    assert reminder_due(RUN, WEEK, [], NOW + 5 * DAY) == NOW + 4 * DAY
    overdue = reminder_due(RUN, WEEK, [], NOW + 6.5 * DAY)
    assert overdue == NOW + 6 * DAY
    assert reminder_due(RUN, WEEK, [overdue], NOW + 6.6 * DAY) is None
    assert reminder_due(RUN, WEEK, [NOW + 4 * DAY], NOW + 6 * DAY) == NOW + 6 * DAY


def test_no_reminder_is_sent_after_conversion_or_end() -> None:
    converted = TrialRun(NOW, RUN.ends_at, stopped_at=NOW + 5 * DAY, converted=True)

    assert reminder_due(converted, WEEK, [], NOW + 6 * DAY) is None
    assert reminder_due(RUN, WEEK, [], RUN.ends_at) is None


def test_second_trial_is_recognised_by_admin_address_or_name() -> None:
    first = trial_identity("Ann@shop.example", "Shop", "boss@reseller.example")

    assert first == trial_identity("ann@SHOP.example", "Another shop", None)
    own = trial_identity("boss@reseller.example", "Shop", "Boss@reseller.example")
    assert own == trial_identity("boss@reseller.example", "SHOP", "boss@reseller.example")
    assert own != trial_identity("boss@reseller.example", "Another", "boss@reseller.example")


@given(
    st.integers(1, 60),
    st.lists(st.integers(1, 60), max_size=5),
    st.lists(st.timedeltas(timedelta(0), timedelta(days=61)), max_size=20),
)
def test_reminders_are_sent_at_most_once_and_only_during_the_trial(
    length: int, leads: list[int], looks: list[timedelta]
) -> None:
    rules = TrialRules(length * DAY, tuple(lead * DAY for lead in sorted(set(leads), reverse=True)))
    run = TrialRun.starting(rules, NOW)
    sent: list[datetime] = []
    for offset in sorted(looks):
        due = reminder_due(run, rules, sent, NOW + offset)
        if due is not None:
            assert due <= NOW + offset < run.ends_at
            sent.append(due)

    assert sent == sorted(set(sent))
    assert set(sent) <= set(reminders(run, rules))
