from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

from kontor.engine.group_commit import GroupCommit

TIMEOUT_SECONDS = 10


class GatedCommits:
    """Records the groups; the first commit waits at a gate."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.began, self.gate = Event(), Event()

    def __call__(self, steps: Sequence[str]) -> None:
        self.groups.append(list(steps))
        if "first" in steps:
            self.began.set()
            assert self.gate.wait(TIMEOUT_SECONDS)
        if "bad" in steps:
            raise ValueError("bad")


def waiting(group: GroupCommit[str], pool: ThreadPoolExecutor, *steps: str) -> list[Future[BaseException | None]]:
    """Start threads for steps while the first commit is under way; wait until all of them have queued up."""
    futures = [pool.submit(group.run, step) for step in steps]
    while len(group._waiting) < len(steps):
        Event().wait(0.001)
    return futures


def results(futures: Sequence[Future[BaseException | None]]) -> list[BaseException | None]:
    return [future.result(TIMEOUT_SECONDS) for future in futures]


def run_gated(patience: float, meet: Callable[[GatedCommits, GroupCommit[str], ThreadPoolExecutor], None]) -> None:
    commits = GatedCommits()
    group = GroupCommit(commits, patience)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(group.run, "first")
        assert commits.began.wait(TIMEOUT_SECONDS)
        try:
            meet(commits, group, pool)
        finally:
            commits.gate.set()
        assert first.result(TIMEOUT_SECONDS) is None


def test_steps_that_arrive_during_a_commit_share_the_next() -> None:
    def meet(commits: GatedCommits, group: GroupCommit[str], pool: ThreadPoolExecutor) -> None:
        futures = waiting(group, pool, "a", "b", "c")
        commits.gate.set()
        assert results(futures) == [None] * 3
        assert [sorted(steps) for steps in commits.groups] == [["first"], ["a", "b", "c"]]

    run_gated(TIMEOUT_SECONDS, meet)


def test_step_is_committed_without_a_stuck_transaction_when_its_patience_ends() -> None:
    def meet(commits: GatedCommits, group: GroupCommit[str], pool: ThreadPoolExecutor) -> None:
        assert results([pool.submit(group.run, "a")]) == [None]
        assert commits.groups == [["first"], ["a"]]

    run_gated(0.001, meet)


def test_every_step_of_a_failed_group_learns_its_error() -> None:
    def meet(commits: GatedCommits, group: GroupCommit[str], pool: ThreadPoolExecutor) -> None:
        futures = waiting(group, pool, "a", "bad")
        commits.gate.set()
        assert [str(error) for error in results(futures)] == ["bad", "bad"]
        assert group.run("later") is None

    run_gated(TIMEOUT_SECONDS, meet)


def committed_together(linger: float) -> tuple[GatedCommits, GroupCommit[str], list[ThreadPoolExecutor]]:
    """Two threads whose steps were committed in one group just now."""
    commits = GatedCommits()
    group = GroupCommit(commits, TIMEOUT_SECONDS, linger)
    threads = [ThreadPoolExecutor(1) for _ in range(2)]
    with ThreadPoolExecutor(1) as pool:
        first, left = pool.submit(group.run, "first"), pool.submit(group.leave)
        assert commits.began.wait(TIMEOUT_SECONDS)
        futures = [thread.submit(group.run, step) for thread, step in zip(threads, "ab", strict=True)]
        while len(group._waiting) < len(threads):
            Event().wait(0.001)
        commits.gate.set()
        assert results([first, *futures]) == [None] * 3
        left.result(TIMEOUT_SECONDS)
    return commits, group, threads


def test_leader_waits_for_a_thread_whose_act_is_short() -> None:
    commits, group, (first, second) = committed_together(linger=TIMEOUT_SECONDS)
    futures = [first.submit(group.run, "c")]
    while not group._waiting:
        Event().wait(0.001)
    futures.append(second.submit(group.run, "d"))
    assert results(futures) == [None, None]
    assert sorted(commits.groups[-1]) == ["c", "d"]


def test_leader_does_not_wait_for_a_thread_that_left() -> None:
    commits, group, (first, second) = committed_together(linger=3600)
    second.submit(group.leave).result(TIMEOUT_SECONDS)
    assert results([first.submit(group.run, "c")]) == [None]
    assert commits.groups[-1] == ["c"]
