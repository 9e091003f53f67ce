"""Rows of `make chaos` as tests, and what counts as a broken promise in a row."""

from pathlib import Path

import pytest

from tests.faults.chaos import FAULTS, SHORT_FAULTS
from tests.faults.checker import Verdict
from tests.faults.conftest import disposable_fleet
from tests.faults.scene import EXTERNAL, THREADS, Fault, broken_promises, observe, repeats_per_thread
from tests.faults.tasks import Sink

GOOD = Verdict(
    jobs=3, succeeded=3, parked=0, crashed=0, missing=0, doubled=0, repeated=THREADS, strange=0, faults=()
)  # fmt: skip


def row(start: str) -> Fault:
    return next(fault for fault in FAULTS if fault.name.startswith(start))


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("start", ["held job locked", "Redis killed"])
def test_work_goes_on_and_nothing_is_lost_or_doubled_when_a_fault_is_inflicted(tmp_path: Path, start: str) -> None:
    fault = row(start)
    with disposable_fleet(tmp_path, *fault.roles) as (servers, made):
        made.workers(2)
        assert observe(made, servers, fault).faults == ()


def test_every_fault_of_the_short_run_is_a_row() -> None:
    assert [row(start).name for start in SHORT_FAULTS]
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


def test_repeats_are_counted_for_the_thread_whose_act_was_done_again(tmp_path: Path) -> None:
    sink = Sink(tmp_path / "sink")
    for number in (1, 2, 3):
        sink.put(effect=number, key=f"job {number}", run=1, thread=7)
    assert repeats_per_thread(sink) == 0
    sink.put(effect=1, key="job 1", run=2, thread=8)
    assert repeats_per_thread(sink) == 1
    sink.put(effect=2, key="job 2", run=2, thread=9)
    assert repeats_per_thread(sink) == 2


@pytest.mark.parametrize(
    ("seconds", "per_thread", "ended", "broken"),
    [
        (EXTERNAL, 1, 1, ""),
        (EXTERNAL + 0.1, 1, 1, "recovered after 15.1 s, the limit is 15 s"),
        (1.0, 2, 1, "2 effects of one thread were repeated"),
        (1.0, 1, 0, "8 effects were repeated, 0 threads ended"),
    ],
)
def test_row_fails_when_it_is_beyond_a_limit(seconds: float, per_thread: int, ended: int, broken: str) -> None:
    fault = Fault("a fault", "nothing", EXTERNAL, lambda scene: 0.0)
    assert "; ".join(broken_promises(fault, seconds, GOOD, per_thread, ended)) == broken
