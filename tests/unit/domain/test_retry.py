from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.engine.retry import (
    RETRY_AFTER_LIMIT,
    BreakerPolicy,
    RetryPolicy,
    backoff,
    next_attempt_at,
    parse_retry_after,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
policies = st.builds(
    lambda attempts, base, factor: RetryPolicy(attempts, base, base * factor),
    st.integers(1, 50),
    st.timedeltas(timedelta(milliseconds=1), timedelta(hours=1)),
    st.integers(1, 10_000),
)
unit = st.floats(0, 1, exclude_max=True)


@given(policies, st.integers(1, 10**9), unit)
def test_backoff_is_between_zero_and_its_ceiling(policy: RetryPolicy, attempt: int, number: float) -> None:
    assert timedelta(0) <= backoff(policy, attempt, lambda: number) <= policy.ceiling(attempt)
    assert policy.ceiling(attempt) <= policy.cap


@given(policies, st.integers(1, 200))
def test_ceiling_doubles_up_to_the_cap(policy: RetryPolicy, attempt: int) -> None:
    assert policy.ceiling(attempt + 1) == min(policy.cap, 2 * policy.ceiling(attempt))


def test_ceiling_never_exceeds_the_cap() -> None:
    policy = RetryPolicy(50, timedelta(seconds=1), timedelta(seconds=60))

    assert [policy.ceiling(attempt).total_seconds() for attempt in (1, 6, 7, 40)] == [1, 32, 60, 60]


def test_jitter_uses_the_whole_range() -> None:
    policy = RetryPolicy(5, timedelta(seconds=2), timedelta(seconds=60))

    assert backoff(policy, 3, lambda: 0.0) == timedelta(0)
    assert backoff(policy, 3, lambda: 0.75) == timedelta(seconds=6)


def test_no_retry_after_the_last_attempt() -> None:
    policy = RetryPolicy(3, timedelta(seconds=1), timedelta(seconds=9))

    assert next_attempt_at(policy, 2, NOW, lambda: 0.5) == NOW + timedelta(seconds=1)
    assert next_attempt_at(policy, 3, NOW, lambda: 0.5) is None


def test_retry_is_never_earlier_than_retry_after() -> None:
    policy = RetryPolicy(3, timedelta(seconds=1), timedelta(seconds=9))

    later = next_attempt_at(policy, 1, NOW, lambda: 0.5, retry_after=timedelta(minutes=2))
    assert later == NOW + timedelta(minutes=2)
    sooner = next_attempt_at(policy, 2, NOW, lambda: 0.5, retry_after=timedelta(0))
    assert sooner == NOW + timedelta(seconds=1)


def test_retry_delay_of_a_handler_is_at_most_a_day() -> None:
    policy = RetryPolicy(3, timedelta(seconds=1), timedelta(seconds=9))

    assert next_attempt_at(policy, 1, NOW, lambda: 0.5, retry_after=timedelta(hours=24)) == NOW + timedelta(hours=24)
    assert next_attempt_at(policy, 1, NOW, lambda: 0.5, retry_after=timedelta(days=400)) == NOW + timedelta(hours=24)
    assert BreakerPolicy().probe_at(1, NOW, lambda: 0.5, timedelta(days=400)) == NOW + timedelta(hours=24)


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        (None, None),
        ("120", timedelta(seconds=120)),
        (" 0 ", timedelta(0)),
        ("Sun, 01 Mar 2026 12:00:30 GMT", timedelta(seconds=30)),
        ("Sun, 01 Mar 2026 11:00:00 GMT", timedelta(0)),
        ("99999999999999999999", RETRY_AFTER_LIMIT),
        ("Fri, 01 Mar 2047 12:00:30 GMT", RETRY_AFTER_LIMIT),
        ("-3", None),
        ("soon", None),
        ("", None),
        ("١٢", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_bounded(header: str | None, pause: timedelta | None) -> None:
    assert parse_retry_after(header, NOW) == pause


@pytest.mark.parametrize(("attempts", "base", "cap"), [(0, 1, 2), (1, 0, 2), (1, 3, 2), (1, -1, 2)])
def test_invalid_retry_policy_is_refused(attempts: int, base: int, cap: int) -> None:
    with pytest.raises(ValueError, match=r"base|at least 1"):
        RetryPolicy(attempts, timedelta(seconds=base), timedelta(seconds=cap))


@given(st.integers(1, 10**6), unit)
def test_probe_delay_is_between_half_a_step_and_the_cap(failures: int, number: float) -> None:
    breaker = BreakerPolicy()
    pause = breaker.probe_at(failures, NOW, lambda: number) - NOW

    assert breaker.base / 2 <= pause <= breaker.cap


def test_lane_is_given_up_after_exactly_72_hours() -> None:
    breaker = BreakerPolicy()
    since = NOW - timedelta(hours=72)

    assert not breaker.is_expired(since + timedelta(microseconds=1), NOW)
    assert breaker.is_expired(since, NOW)
