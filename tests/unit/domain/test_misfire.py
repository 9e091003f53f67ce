from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.engine.cron import Occurrence, occurrences
from kontor.engine.schedules import MisfireDecision, decide_misfires
from kontor.kernel.states import MisfirePolicy

NOW = datetime(2026, 3, 30, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def days_missed(policy: MisfirePolicy, now: datetime = NOW, bound: int = 100) -> list[str]:
    missed = occurrences("5 0 * * *", BERLIN, now - timedelta(days=2), now)
    return [occurrence.slot for occurrence in decide_misfires(missed, policy, now, bound).fire]


def test_skip_policy_runs_nothing_after_an_outage() -> None:
    assert days_missed(MisfirePolicy.SKIP) == []


def test_once_policy_runs_the_newest_after_an_outage() -> None:
    assert days_missed(MisfirePolicy.ONCE) == ["2026-03-30T00:05"]


def test_all_policy_runs_each_oldest_first_after_an_outage() -> None:
    assert days_missed(MisfirePolicy.ALL) == ["2026-03-29T00:05", "2026-03-30T00:05"]


def test_all_policy_is_bounded_and_keeps_the_newest() -> None:
    assert days_missed(MisfirePolicy.ALL, bound=1) == ["2026-03-30T00:05"]
    assert days_missed(MisfirePolicy.ALL, bound=0) == []


def test_occurrence_on_time_runs_under_every_policy() -> None:
    on_time = datetime(2026, 3, 29, 22, 5, 40, tzinfo=UTC)

    for policy in MisfirePolicy:
        assert days_missed(policy, on_time)[-1] == "2026-03-30T00:05"


def test_occurrence_is_on_time_for_sixty_seconds() -> None:
    due = Occurrence(NOW, "now")

    for delay in (timedelta(0), timedelta(seconds=60)):
        assert decide_misfires([due], MisfirePolicy.SKIP, NOW + delay, 5) == MisfireDecision((due,), ())
    just_too_late = NOW + timedelta(seconds=60, microseconds=1)
    assert decide_misfires([due], MisfirePolicy.SKIP, just_too_late, 5) == MisfireDecision((), (due,))


dues = st.lists(st.timedeltas(timedelta(0), timedelta(days=9)), max_size=20, unique=True).map(
    lambda ago: [Occurrence(NOW - back, f"{back}") for back in sorted(ago, reverse=True)]
)


@given(dues, st.sampled_from(MisfirePolicy), st.integers(0, 10))
def test_every_missed_occurrence_is_fired_or_skipped(
    missed: list[Occurrence], policy: MisfirePolicy, bound: int
) -> None:
    firing = decide_misfires(missed, policy, NOW, bound)

    assert [*firing.skipped, *firing.fire] == missed


@pytest.mark.parametrize("policy", list(MisfirePolicy))
def test_future_occurrence_is_neither_fired_nor_skipped(policy: MisfirePolicy) -> None:
    future = Occurrence(NOW + timedelta(seconds=1), "later")

    assert decide_misfires([future], policy, NOW, 5) == MisfireDecision((), ())
