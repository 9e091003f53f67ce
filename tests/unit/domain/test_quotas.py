from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.kernel.states import Threshold
from kontor.usage.rules import (
    QuotaRecipients,
    clock_hour,
    due_threshold,
    is_read_only,
    may_send_copy,
    quota_recipients,
    reached_threshold,
)

WARNING = Decimal(80)


@pytest.mark.parametrize(
    ("value", "reached"),
    [(0, None), (39, None), (40, "warning"), (49, "warning"), (50, "reached"), (51, "exceeded"), (5000, "exceeded")],
)
def test_limit_of_50_is_exceeded_by_the_51st(value: int, reached: str | None) -> None:
    assert reached_threshold(value, 50, WARNING) == reached


def test_warning_starts_at_the_exact_percentage() -> None:
    assert reached_threshold(799, 1000, WARNING) is None
    assert reached_threshold(800, 1000, WARNING) is Threshold.WARNING


def test_no_threshold_without_a_limit() -> None:
    assert reached_threshold(10**9, None, WARNING) is None


def test_limit_of_zero_is_exceeded_by_the_first() -> None:
    assert reached_threshold(0, 0, WARNING) is None
    assert reached_threshold(1, 0, WARNING) is Threshold.EXCEEDED


@given(st.integers(0, 10_000), st.integers(0, 1000))
def test_warning_percentage_is_not_rounded(value: int, limit: int) -> None:
    if reached_threshold(value, limit, WARNING) is Threshold.WARNING:
        assert 10 * value >= 8 * limit
        assert value < limit


def test_jump_over_several_thresholds_sends_the_highest() -> None:
    assert due_threshold(51, 50, WARNING, []) is Threshold.EXCEEDED
    assert due_threshold(50, 50, WARNING, [Threshold.EXCEEDED]) is None


@given(st.lists(st.integers(0, 70), max_size=30))
def test_each_threshold_is_mailed_at_most_once_in_rising_order(values: list[int]) -> None:
    mailed: list[Threshold] = []
    for value in values:
        due = due_threshold(value, 50, WARNING, mailed)
        if due is not None:
            mailed.append(due)

    order = list(Threshold)
    assert mailed == sorted(set(mailed), key=order.index)
    highest = max((value for value in values), default=0)
    assert (Threshold.EXCEEDED in mailed) is (highest > 50)


def test_account_is_read_only_when_over_a_limit() -> None:
    limits = {"appointments": 50, "sms": None}

    assert not is_read_only({"appointments": 50, "sms": 10**6}, limits)
    assert is_read_only({"appointments": 51}, limits)
    assert not is_read_only({}, limits)
    assert not is_read_only({}, {"appointments": 0})


def test_reseller_gets_a_copy_or_the_mail_with_a_note() -> None:
    client, reseller = "ann@shop.example", "boss@reseller.example"

    assert quota_recipients(client, reseller, suppressed=False) == QuotaRecipients(client, reseller)
    assert quota_recipients(client, reseller, suppressed=True) == QuotaRecipients(reseller, note=True)
    assert quota_recipients("BOSS@reseller.example", reseller, suppressed=False) == QuotaRecipients(reseller)


def test_copies_from_the_21st_of_an_hour_wait_for_the_digest() -> None:
    assert may_send_copy(19)
    assert not may_send_copy(20)


def test_digest_is_due_at_the_end_of_the_clock_hour() -> None:
    start, end = clock_hour(datetime(2026, 3, 1, 12, 59, 59, 999999, tzinfo=UTC))

    assert (start, end) == (datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 3, 1, 13, tzinfo=UTC))
    assert clock_hour(end)[0] == end
