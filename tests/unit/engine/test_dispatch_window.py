from uuid import UUID

import pytest

from kontor.engine.fair_pick import (
    MAX_IN_FLIGHT,
    OVERDUE_SECONDS,
    RETRY_AFTER_SECONDS,
    Durations,
    InFlight,
    Picked,
    round_robin,
)
from kontor.kernel.doorbells import HANDED_BACK, Doorbell, DoorbellResult


def bell(name: str, *numbers: int) -> Doorbell:
    return Doorbell(name, "queue", "task", tuple(UUID(int=number) for number in numbers))


def test_job_is_in_the_window_until_its_doorbell_is_answered() -> None:
    window = InFlight()
    window.add(bell("a", 1, 2), ["x", "y"], 0.0)
    assert not window.dispatchable(UUID(int=1))
    assert window.tenants == {"x": 1, "y": 1}
    window.complete(DoorbellResult("a", 2, 0.1), 1.0)
    assert window.dispatchable(UUID(int=1))
    assert not window.dispatched
    assert not +window.tenants


def test_unclaimed_jobs_wait_before_they_are_dispatched_again() -> None:
    window = InFlight()
    window.add(bell("a", 1, 2), ["x", "x"], 0.0)
    window.complete(DoorbellResult("a", 0, 0.0), 5.0)
    assert not window.dispatchable(UUID(int=2))
    window.update_rates(5.0 + RETRY_AFTER_SECONDS / 2)
    assert not window.dispatchable(UUID(int=2))
    window.update_rates(5.0 + RETRY_AFTER_SECONDS)
    assert window.dispatchable(UUID(int=2))


@pytest.mark.parametrize("claimed", [1, HANDED_BACK])
def test_jobs_handed_back_are_dispatched_again_at_once(claimed: int) -> None:
    window = InFlight()
    window.add(bell("a", 1, 2), ["x", "x"], 0.0)
    window.complete(DoorbellResult("a", claimed, 0.1), 5.0)
    assert window.dispatchable(UUID(int=2))


def test_delayed_jobs_count_as_outstanding_until_their_delay_is_over() -> None:
    window = InFlight()
    window.add(bell("a", 1, 2), ["x", "x"], 0.0)
    window.add(bell("b", 3), ["x"], 0.0)
    window.complete(DoorbellResult("a", 0, 0.1), 5.0)
    assert (window.tenants, window.outstanding) == ({"x": 1}, {"x": 3})
    window.update_rates(5.0 + RETRY_AFTER_SECONDS)
    assert window.outstanding == {"x": 1}


def test_answer_for_another_relay_changes_nothing() -> None:
    window = InFlight()
    window.add(bell("a", 1), ["x"], 0.0)
    assert window.complete(DoorbellResult("stranger", 1, 0.1), 1.0) is None
    assert set(window.dispatched) == {"a"}


def test_doorbell_is_reported_overdue_until_it_is_forgotten() -> None:
    window = InFlight()
    window.add(bell("a", 1), ["x"], 0.0)
    assert window.overdue(OVERDUE_SECONDS) == []
    assert window.overdue(OVERDUE_SECONDS + 1) == [bell("a", 1)]
    assert window.overdue(OVERDUE_SECONDS + 2) == [bell("a", 1)]
    window.forget("a")
    assert window.overdue(OVERDUE_SECONDS + 3) == []


def test_window_grows_with_slots_and_rate_up_to_a_bound() -> None:
    window = InFlight()
    assert window.job_capacity(8, 4, None) == 64
    assert window.job_capacity(8, 4, 10) == 10
    window.rate = 1_000_000
    assert window.job_capacity(8, 4, None) == MAX_IN_FLIGHT


def test_slow_jobs_get_two_doorbells_per_slot() -> None:
    window = InFlight()
    assert window.message_capacity(8) == 16
    for number in range(16):
        window.add(bell(str(number), number), ["x"], 0.0)
    assert window.message_capacity(8) == 0


def test_duration_estimate_falls_at_once_and_rises_slowly() -> None:
    estimates = Durations()
    estimates.observe("task", 1.0)
    estimates.observe("task", 0.1)
    assert estimates.seconds["task"] == 0.1
    estimates.observe("task", 50.0)
    assert estimates.seconds["task"] < 0.11


def picked(number: int, tenant: str, priority: int = 0) -> Picked:
    return Picked(UUID(int=number), "task", tenant, priority, 0)


def test_tenants_take_turns_after_the_last_served() -> None:
    jobs = [picked(1, "a"), picked(2, "a"), picked(3, "b"), picked(4, "c")]
    assert [job.tenant for job in round_robin(jobs, "a")] == ["b", "c", "a", "a"]


def test_priority_goes_before_fairness() -> None:
    jobs = [picked(1, "z", 9), picked(2, "z", 9), picked(3, "a")]
    assert [job.id.int for job in round_robin(jobs, "a")] == [1, 2, 3]
