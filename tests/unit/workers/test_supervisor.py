import pytest

from kontor.adapters.embedded.process import StartFailed
from workers.supervisor import LONGEST_DELAY_SECONDS, STEADY_SECONDS, ChildState, backoff


class FakeChild:
    """Lives until stopped; fails to start a number of times."""

    name = "fake"

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.starts = 0
        self.alive = False

    def start(self) -> None:
        self.starts += 1
        if self.refusals:
            self.refusals -= 1
            raise StartFailed("not yet")
        self.alive = True

    def is_running(self) -> bool:
        return self.alive

    def failure(self) -> None:
        pass

    def ask_to_stop(self) -> None:
        self.alive = False

    def stop(self) -> None:
        self.alive = False


@pytest.mark.parametrize(
    ("previous", "lived", "wait"),
    [
        (0.0, STEADY_SECONDS, 0.0),
        (10.0, 3600.0, 0.0),
        (0.0, 0.1, 0.25),
        (0.25, 0.1, 0.5),
        (8.0, 0.1, LONGEST_DELAY_SECONDS),
    ],
)
def test_steady_child_restarts_at_once_and_a_failing_one_with_growing_delay(
    previous: float, lived: float, wait: float
) -> None:
    assert backoff(previous, lived) == wait


def test_child_that_died_after_a_steady_life_is_restarted_in_the_same_check() -> None:
    child = FakeChild()
    watch = ChildState(child)
    watch.check(0.0)
    child.alive = False
    watch.check(60.0)
    assert child.alive
    assert child.starts == 2


def test_child_that_dies_early_waits_for_its_delay() -> None:
    child = FakeChild()
    watch = ChildState(child)
    watch.check(0.0)
    child.alive = False
    watch.check(0.1)
    assert not child.alive
    watch.check(0.34)
    assert not child.alive
    watch.check(0.36)
    assert child.alive


def test_child_that_cannot_start_is_retried_with_growing_delay() -> None:
    child = FakeChild(refusals=3)
    watch = ChildState(child)
    tries = []
    for tenth in range(40):
        before = child.starts
        watch.check(tenth / 10)
        if child.starts > before:
            tries.append(tenth / 10)
    assert tries == [0.0, 0.3, 0.8, 1.8]
    assert child.alive
