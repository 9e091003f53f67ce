"""Five failures in 15 minutes shut a door for 15 minutes."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.doors import shut_until

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def failures(*minutes: float) -> list[datetime]:
    """Failures so many minutes before now."""
    return [NOW - timedelta(minutes=one) for one in minutes]


def test_a_door_without_failures_is_open() -> None:
    assert shut_until([], NOW) is None


@pytest.mark.parametrize("minutes", [(0, 0, 0, 0), (1, 2, 3, 4)])
def test_four_failures_leave_it_open(minutes: tuple[float, ...]) -> None:
    assert shut_until(failures(*minutes), NOW) is None


def test_the_fifth_shuts_it_for_fifteen_minutes_from_the_last() -> None:
    assert shut_until(failures(10, 8, 6, 4, 2), NOW) == NOW + timedelta(minutes=13)


def test_five_spread_over_fifteen_minutes_or_more_leave_it_open() -> None:
    assert shut_until(failures(15, 4, 3, 2, 0), NOW) is None
    assert shut_until(failures(14.99, 4, 3, 2, 0), NOW) == NOW + timedelta(minutes=15)


def test_it_opens_at_the_very_instant() -> None:
    told = failures(15, 15, 15, 15, 15)
    assert shut_until(told, NOW) is None
    assert shut_until(told, NOW - timedelta(microseconds=1)) == NOW


def test_only_the_latest_five_count() -> None:
    assert shut_until(failures(29, 29, 29, 29, 29, 1), NOW) is None
