"""Outside work in real processes: each job has a thread, a lease and a record of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from kontor.adapters.settings import Settings
from tests.faults.fleet import Enqueuer, Fleet, Member, fleet
from tests.support.polling import wait_for

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]

THREADS = 8
RUNNING = "SELECT id FROM jobs WHERE state = 'running'"
LEASES = "SELECT count(DISTINCT lease) FROM jobs WHERE state = 'running'"
OUTCOMES = "SELECT outcome FROM job_attempts WHERE job_id = %s ORDER BY seq"
DONE = "SELECT attempt, crashes FROM jobs_archive WHERE id = %s"


def put(fleet: Fleet, numbers: Sequence[int], *, tenant: str = "", **args: object) -> list[UUID]:
    """Enqueue external jobs in one transaction."""
    client = next(member for member in fleet.members if isinstance(member, Enqueuer))
    ids = client.put([("fault.rerun", {"number": number, **args}, {"tenant": tenant}) for number in numbers])
    assert ids is not None
    return ids


def warm_up(fleet: Fleet) -> None:
    """Run quick jobs, so that the relay has seen the task to be quick."""
    put(fleet, range(1000, 1060))
    fleet.settled()


def begun(fleet: Fleet) -> set[int]:
    return {line["began"] for line in fleet.sink.lines() if "began" in line}


def open_gates(fleet: Fleet, numbers: Sequence[int], attempts: Sequence[int] = (1,)) -> None:
    for number in numbers:
        for attempt in attempts:
            fleet.sink.open_gate(number, attempt)


def test_every_idle_thread_takes_one_job_when_a_quick_task_turns_slow(live: Fleet) -> None:
    warm_up(live)
    put(live, range(24), gated=True)
    wait_for(lambda: len(begun(live)) == 2 * THREADS, "a job on every thread")
    assert live.ask(LEASES) == [(2 * THREADS,)]
    first = sorted(begun(live))
    open_gates(live, first[:THREADS])
    wait_for(lambda: len(begun(live)) == 24, "the rest on the threads that are free")
    open_gates(live, range(24))
    live.settled()


def test_job_of_another_tenant_waits_for_no_neighbour_while_a_thread_is_idle(live: Fleet) -> None:
    warm_up(live)
    put(live, range(8), tenant="a", gated=True)
    (quick,) = put(live, [99], tenant="b")
    wait_for(lambda: live.ask(DONE, [quick]) == [(1, 0)], "the quick job")
    open_gates(live, range(8))
    live.settled()


def test_kill_repeats_at_most_one_effect_for_each_thread(live: Fleet) -> None:
    warm_up(live)
    put(live, range(60), gated=True)
    wait_for(lambda: len(begun(live)) == 2 * THREADS, "a job on every thread")
    victim = next(member for member in live.members if member.role == "worker")
    victim.kill()
    open_gates(live, range(60), attempts=(1, 2))
    live.settled()
    repeated = [number for number in range(60) if len(live.sink.lines(began=number)) > 1]
    assert 0 < len(repeated) <= THREADS


@pytest.fixture
def hasty(settings: Settings, tmp_path: Path) -> Iterator[Fleet]:
    """A fleet whose worker waits for 0.5 s when it is stopped."""
    real = replace(settings, test_clock=False, test_clock_start=None)
    environ = {"FAULT_STOP_MILLISECONDS": "500"}
    with fleet(real, tmp_path / "fleet", "relay", "worker", "enqueuer", environ=environ) as made:
        made.workers(1)
        yield made


def test_three_deploys_during_a_long_job_are_no_crashes(hasty: Fleet) -> None:
    (job,) = put(hasty, [1], gated=True)
    for stops in range(1, 4):
        wait_for(lambda stops=stops: len(hasty.sink.lines(began=1)) == stops, "the act")  # type: ignore[misc] # a default binds the loop's value
        worker: Member = next(member for member in hasty.members if member.role == "worker")
        worker.stop()
        assert hasty.ask(OUTCOMES, [job]) == [("released",)] * stops
        hasty.replace(worker)
    wait_for(lambda: len(hasty.sink.lines(began=1)) == 4, "the last act")
    open_gates(hasty, [1])
    hasty.settled()
    assert hasty.ask(DONE, [job]) == [(1, 0)]
