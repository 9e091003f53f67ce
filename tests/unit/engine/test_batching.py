from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from kontor.engine.batching import Batching
from kontor.engine.catalogue import Catalogue, Payload, Policy
from kontor.engine.fair_pick import Picked
from kontor.engine.retry import RetryPolicy
from kontor.kernel.doorbells import Doorbell
from kontor.kernel.states import TaskKind

RETRY = RetryPolicy(max_attempts=1, base=timedelta(seconds=1), cap=timedelta(seconds=1))


class Outside(Payload):
    policy: ClassVar[Policy] = Policy("test.outside", "slow", TaskKind.EXTERNAL, RETRY)


def picked(number: int, tenant: str = "a", lane: str | None = None) -> Picked:
    return Picked(UUID(int=number), "test.outside", tenant, 0, 0, lane=lane)


def bell(*jobs: Picked) -> Doorbell:
    return Doorbell("bell", "slow", "test.outside", tuple(job.id for job in jobs))


def quick(size: int) -> Batching:
    """Doorbells after quick acts, with an allowance of `size` jobs."""
    batching, jobs = Batching(Catalogue([Outside])), 1
    while batching.limit("test.outside") < size:
        batching.observe(bell(*map(picked, range(jobs))), 0.001)
        jobs = batching.limit("test.outside")
    return batching


def sizes(batching: Batching, jobs: Sequence[Picked], idle_threads: int) -> list[int]:
    return [len(chunk) for chunk in batching.chunks(jobs, idle_threads)]


def test_doorbell_carries_one_job_while_a_thread_is_idle() -> None:
    assert sizes(quick(8), list(map(picked, range(19))), 3) == [1, 1, 1, 8, 8]


def test_doorbell_of_outside_work_carries_one_tenant_and_lane() -> None:
    jobs = [picked(1, "a"), picked(2, "b"), picked(3, "a", "x"), picked(4, "a"), picked(5, "b"), picked(6, "a", "y")]
    chunks = list(quick(8).chunks(jobs, 0))
    assert [{(job.tenant, job.lane) for job in chunk} for chunk in chunks] == [
        {("a", None)}, {("b", None)}, {("a", "x")}, {("a", "y")},
    ]  # fmt: skip
    assert sorted(len(chunk) for chunk in chunks) == [1, 1, 2, 2]


def test_doorbells_begin_with_one_job_after_a_pause() -> None:
    batching = quick(8)
    batching.restart(["test.outside"])
    assert batching.limit("test.outside") == 1
    batching.observe(bell(picked(1)), 0.001)
    assert batching.limit("test.outside") == 2


def test_slow_act_brings_the_doorbell_back_to_one_job() -> None:
    batching = quick(8)
    batching.observe(bell(picked(1)), 2.0)
    assert batching.limit("test.outside") == 1


def test_doorbell_carries_what_the_slow_acts_fit_into_a_fifth_of_a_second() -> None:
    batching = quick(8)
    for number in range(60):
        batching.observe(bell(picked(1)), 0.05 if number % 10 == 0 else 0.001)
    assert batching.limit("test.outside") == 4
