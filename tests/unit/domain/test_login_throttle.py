"""Five failures within 15 minutes lock the login for 15 minutes."""

from datetime import UTC, datetime, timedelta

import pytest

from kontor.kernel.login_throttle import locked_until

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def failures(*minutes: float) -> list[datetime]:
    """Failures at these numbers of minutes before now."""
    return [NOW - timedelta(minutes=minute) for minute in minutes]


def test_login_is_open_without_failures() -> None:
    assert locked_until([], NOW) is None


@pytest.mark.parametrize("minutes", [(0, 0, 0, 0), (1, 2, 3, 4)])
def test_four_failures_do_not_lock(minutes: tuple[float, ...]) -> None:
    assert locked_until(failures(*minutes), NOW) is None


def test_fifth_failure_locks_for_fifteen_minutes_from_the_last() -> None:
    assert locked_until(failures(10, 8, 6, 4, 2), NOW) == NOW + timedelta(minutes=13)


def test_five_failures_over_fifteen_minutes_or_more_do_not_lock() -> None:
    assert locked_until(failures(15, 4, 3, 2, 0), NOW) is None
    assert locked_until(failures(14.99, 4, 3, 2, 0), NOW) == NOW + timedelta(minutes=15)


def test_lock_ends_at_its_exact_instant() -> None:
    old_failures = failures(15, 15, 15, 15, 15)
    assert locked_until(old_failures, NOW) is None
    assert locked_until(old_failures, NOW - timedelta(microseconds=1)) == NOW


def test_only_the_latest_five_failures_count() -> None:
    assert locked_until(failures(29, 29, 29, 29, 29, 1), NOW) is None
