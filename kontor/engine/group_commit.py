"""Group commit: threads that need a transaction at the same moment share one.

The first thread commits; those that arrive meanwhile go together into the next transaction. A leader waits up to a
millisecond for threads whose group was committed just now: acts may be that short, and a transaction for eight jobs
costs little more than for one. A thread that has waited 5 ms, or twice as long as transactions usually take, for one
that is stuck behind a lock commits without it, so that one slow record delays no other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Condition, Event, Lock, get_ident
from time import monotonic
from typing import Final, Generic, TypeVar

Step = TypeVar("Step")

PATIENCE_SECONDS: Final = 0.005
MAX_PATIENCE_SECONDS: Final = 0.05
LINGER_SECONDS: Final = 0.001


@dataclass(slots=True, eq=False)
class WaitingStep(Generic[Step]):
    """A step that waits for its commit. `leads`: its thread has to commit those that wait."""

    step: Step
    thread: int
    wake: Event = field(default_factory=Event)
    taken: bool = False
    leads: bool = False
    error: BaseException | None = None


class GroupCommit(Generic[Step]):
    """Shares the transactions of one process. `commit` writes a group of steps in one transaction."""

    def __init__(
        self,
        commit: Callable[[Sequence[Step]], None],
        patience: float = PATIENCE_SECONDS,
        linger: float = LINGER_SECONDS,
    ) -> None:
        self._commit = commit
        self._linger_seconds = linger
        self._patience = patience
        self._usual = 0.0
        self._lock = Lock()
        self._arrival = Condition(self._lock)
        self._absent: dict[int, float] = {}
        self._waiting: list[WaitingStep[Step]] = []
        self._leaders = 0

    def run(self, step: Step) -> BaseException | None:
        """Wait for the commit of a group with this step; return what the group raised: none of it is written."""
        entry = WaitingStep(step, get_ident())
        with self._lock:
            self._waiting.append(entry)
            if self._absent.pop(entry.thread, None) is not None:
                self._arrival.notify_all()
            if not self._leaders:
                self._promote(entry)
        if not entry.leads:
            self._wait(entry)
        if entry.leads:
            self._lead(entry)
        return entry.error

    def leave(self) -> None:
        """Note that the calling thread will bring no step soon."""
        with self._lock:
            if self._absent.pop(get_ident(), None) is not None:
                self._arrival.notify_all()

    def _promote(self, entry: WaitingStep[Step]) -> None:
        """Make an entry's thread a leader. The caller holds the lock."""
        self._leaders += 1
        entry.leads = True

    def _wait(self, entry: WaitingStep[Step]) -> None:
        """Wait until the entry is committed, or its thread has to lead."""
        if entry.wake.wait(max(self._patience, min(2 * self._usual, MAX_PATIENCE_SECONDS))):
            return
        with self._lock:
            if not entry.taken and not entry.leads:
                self._promote(entry)
        if not entry.leads:
            entry.wake.wait()

    def _linger(self) -> None:
        """Wait for threads whose group was committed just now. The caller holds the lock."""
        deadline = monotonic() + self._linger_seconds
        while self._absent:
            now = monotonic()
            remaining = min(deadline, max(self._absent.values()) + self._linger_seconds) - now
            if remaining <= 0:
                return
            self._arrival.wait(remaining)

    def _lead(self, entry: WaitingStep[Step]) -> None:
        """Commit all waiting entries, then pass the lead on."""
        with self._lock:
            self._linger()
            group = [each for each in self._waiting if each is entry or not each.leads]
            self._waiting = [each for each in self._waiting if each is not entry and each.leads]
            for each in group:
                each.taken = True
        error: BaseException | None = None
        began = monotonic()
        try:
            self._commit([each.step for each in group])
        except BaseException as raised:  # noqa: BLE001 -- each thread gets it and decides about its own step
            error = raised
        with self._lock:
            self._leaders -= 1
            now = monotonic()
            self._usual += (min(now - began, MAX_PATIENCE_SECONDS) - self._usual) / 8
            for each in group:
                self._absent[each.thread] = now
                each.error = error
                each.wake.set()
            following = next((each for each in self._waiting if not each.leads), None)
            if following is not None and not self._leaders:
                self._promote(following)
                following.wake.set()
