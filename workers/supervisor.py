"""Keeps a set of children running: starts, restarts with back-off, stops. One thread, woken by signals."""

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
LOOK_SECONDS = 0.5
STOPPING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
WATCHED = STOPPING | {signal.SIGCHLD}


class Child(Protocol):
    """Something that runs until it dies."""

    name: str

    def start(self) -> None:
        """Begin, also after a death. Raises StartFailed."""

    def is_running(self) -> bool:
        """Whether it lives; reaps it when it does not."""

    def ask_to_stop(self) -> None:
        """Begin to stop; returns at once."""

    def stop(self) -> None:
        """Stop, by force if need be; returns when it is gone."""


def backoff(previous: float, lived: float) -> float:
    """Seconds before the next start: none after a steady life of `lived` seconds, then doubling."""
    if lived >= STEADY_SECONDS:
        return 0.0
    return min(LONGEST_DELAY_SECONDS, max(FIRST_DELAY_SECONDS, previous * 2))


@dataclass(slots=True)
class Watch:
    """One child and when it may start again, in monotonic seconds."""

    child: Child
    started_at: float = 0.0
    start_at: float = 0.0
    delay: float = 0.0
    up: bool = False

    def look(self, now: float) -> None:
        """Notice a death, start when it is time."""
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
    """Runs children until a signal to stop; `running` are already started ones, stopped last of all."""

    def __init__(self, children: Sequence[Child], running: Sequence[Child] = ()) -> None:
        now = time.monotonic()
        self._servers = [Watch(child, started_at=now, up=True) for child in running]
        self._children = [Watch(child) for child in children]

    def run(self, is_ready: Callable[[], bool], on_ready: Callable[[], None]) -> None:
        """Keep everything running; call `on_ready` once when `is_ready` first says so."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        told = False
        try:
            while True:
                self._look()
                if not told and is_ready():
                    told = True
                    on_ready()
                heard = signal.sigtimedwait(WATCHED, LOOK_SECONDS if told else 0.05)
                if heard is not None and heard.si_signo in STOPPING:
                    return
        finally:
            self._stop()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _look(self) -> None:
        for watch in [*self._servers, *self._children]:
            watch.look(time.monotonic())

    def _stop(self) -> None:
        """Ask all children at once, wait for each, then the servers in reverse order."""
        for watch in self._children:
            watch.child.ask_to_stop()
        for watch in [*self._children, *reversed(self._servers)]:
            watch.child.stop()
