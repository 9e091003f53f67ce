"""Supervises child processes: starts, restarts with back-off, stops. One thread, woken by signals."""

import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from adapters.embedded.process import StartFailed

log = structlog.get_logger(__name__)

STEADY_SECONDS = 5.0
FIRST_DELAY_SECONDS = 0.25
LONGEST_DELAY_SECONDS = 10.0
SUPERVISE_SECONDS = 0.5
STOPPING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
WATCHED = STOPPING | {signal.SIGCHLD}


class Child(Protocol):
    """A supervised process."""

    name: str

    def start(self) -> None:
        """Start it, also after it died. Raises StartFailed."""

    def is_running(self) -> bool:
        """Whether it is running; reaps it when it has ended."""

    def ask_to_stop(self) -> None:
        """Request a stop; return at once."""

    def stop(self) -> None:
        """Stop it, by force if necessary; return when it has ended."""


def backoff(previous: float, lived: float) -> float:
    """Return the seconds before the next start: 0 if it ran for 5 s, else doubling from 0.25 to 10."""
    if lived >= STEADY_SECONDS:
        return 0.0
    return min(LONGEST_DELAY_SECONDS, max(FIRST_DELAY_SECONDS, previous * 2))


@dataclass(slots=True)
class Watch:
    """One child and the time of its next start, in monotonic seconds."""

    child: Child
    started_at: float = 0.0
    start_at: float = 0.0
    delay: float = 0.0
    up: bool = False

    def look(self, now: float) -> None:
        """Detect a death; start the child when it is due."""
        if self.up and not self.child.is_running():
            self._plan(now)
            log.warning("child.died", child=self.child.name, restart_in=self.delay)
        if not self.up and now >= self.start_at:
            self._start(now)

    def _plan(self, now: float) -> None:
        self.up = False
        self.delay = backoff(self.delay, now - self.started_at)
        self.start_at = now + self.delay

    def _start(self, now: float) -> None:
        self.started_at, self.up = now, True
        try:
            self.child.start()
        except StartFailed as error:
            self._plan(now)
            log.error("child.not_started", child=self.child.name, error=str(error), retry_in=self.delay)


class Supervisor:
    """Runs children until a stop signal; `running` are started already and stopped last."""

    def __init__(self, children: Sequence[Child], running: Sequence[Child] = ()) -> None:
        now = time.monotonic()
        self._servers = [Watch(child, started_at=now, up=True) for child in running]
        self._children = [Watch(child) for child in children]

    def run(self, is_ready: Callable[[], bool], on_ready: Callable[[], None]) -> None:
        """Keep all children running; call `on_ready` once when `is_ready` first returns True."""
        previous_mask = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        ready = False
        try:
            while True:
                self._check_all()
                if not ready and is_ready():
                    ready = True
                    on_ready()
                received = signal.sigtimedwait(WATCHED, SUPERVISE_SECONDS if ready else 0.05)
                if received is not None and received.si_signo in STOPPING:
                    return
        finally:
            self._stop()
            signal.pthread_sigmask(signal.SIG_SETMASK, previous_mask)

    def _check_all(self) -> None:
        for watch in [*self._servers, *self._children]:
            watch.look(time.monotonic())

    def _stop(self) -> None:
        """Request all children to stop, wait for each, then stop the servers in reverse order."""
        for watch in self._children:
            watch.child.ask_to_stop()
        for watch in [*self._children, *reversed(self._servers)]:
            watch.child.stop()
