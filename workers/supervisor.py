"""Child processes: forked so that they start fast, restarted when they die."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol

import structlog
import uuid_utils

from kontor.adapters.embedded.process import StartFailed

log = structlog.get_logger(__name__)

STEADY_SECONDS = 5.0
FIRST_DELAY_SECONDS = 0.25
LONGEST_DELAY_SECONDS = 10.0
SUPERVISE_SECONDS = 0.5
STOPPING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
WATCHED = STOPPING | {signal.SIGCHLD}


class SupervisedProcess(Protocol):
    """A supervised process."""

    name: str

    def start(self) -> None:
        """Start it, also after it died. Raises StartFailed."""

    def is_running(self) -> bool:
        """Whether it is running; reaps it when it has ended."""

    def failure(self) -> str | None:
        """Why it ended, None if unknown."""

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
class ChildState:
    """One child and the time of its next start, in monotonic seconds."""

    child: SupervisedProcess
    started_at: float = 0.0
    start_at: float = 0.0
    delay: float = 0.0
    up: bool = False

    def check(self, now: float) -> None:
        """Detect a death; start the child when it is due."""
        if self.up and not self.child.is_running():
            self._plan(now)
            log.warning("child.died", child=self.child.name, restart_in=self.delay, reason=self.child.failure())
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

    def __init__(self, children: Sequence[SupervisedProcess], running: Sequence[SupervisedProcess] = ()) -> None:
        now = time.monotonic()
        self._servers = [ChildState(child, started_at=now, up=True) for child in running]
        self._children = [ChildState(child) for child in children]

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
            watch.check(time.monotonic())

    def _stop(self) -> None:
        """Request all children to stop, wait for each, then stop the servers in reverse order."""
        for watch in self._children:
            watch.child.ask_to_stop()
        for watch in [*self._children, *reversed(self._servers)]:
            watch.child.stop()


STOP_TIMEOUT_SECONDS = 30.0
POLL_SECONDS = 0.02
PR_SET_PDEATHSIG = 1
ARG_START, ARG_END = 47, 48
"""Fields of /proc/PID/stat, counted from 0: the memory range of the command line."""


def kontor_command() -> Path:
    """Return the path of the installed `kontor` command, next to the interpreter."""
    return Path(sys.executable).with_name("kontor")


def set_process_title(title: str) -> None:
    """Set this process's command line, as shown by `ps` and `pgrep -f`."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = int(fields[ARG_START - 2]), int(fields[ARG_END - 2])
    size = end - start
    text = title.encode()[: size - 1]
    ctypes.memmove(start, text.ljust(size, b"\0"), size)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the parent's main thread ends; exit if it has ended."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def detach_from_parent(keep: Collection[int] = ()) -> None:
    """Reset inherited state: session, signal handlers, random seed, and open files (also the owner lock) but `keep`."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    for descriptor in {int(entry.name) for entry in Path("/proc/self/fd").iterdir()} - {0, 1, 2, *keep}:
        with suppress(OSError):  # the listing itself, closed already
            os.close(descriptor)
    uuid_utils.reseed_rng()


def run_child(name: str, body: Callable[[], object], environ: Mapping[str, str], parent: int) -> NoReturn:
    """Run `body` as the child and exit in every case without the parent's clean-up."""
    status = 1
    try:
        die_with_parent(parent)
        detach_from_parent()
        os.environ.update(environ)
        set_process_title(f"kontor {name}")
        body()
        status = 0
    finally:
        kind, error, traceback = sys.exc_info()
        if isinstance(error, SystemExit):
            status = error.code if isinstance(error.code, int) else 1
        elif kind is not None and error is not None:
            sys.excepthook(kind, error, traceback)
        sys.stderr.flush()
        os._exit(status)


class ForkedProcess:
    """A child process `kontor NAME` that runs `body` with its own environment."""

    def __init__(self, name: str, body: Callable[[], object], environ: Mapping[str, str]) -> None:
        self.name = name
        self._body = body
        self._environ = environ
        self.pid: int | None = None

    def start(self) -> None:
        """Fork; the child is killed when the calling thread, which must be the main one, ends."""
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            run_child(self.name, self._body, self._environ, parent)
        self.pid = pid

    def is_running(self) -> bool:
        """Whether it is running; reaps it when it has ended."""
        if self.pid is not None and os.waitpid(self.pid, os.WNOHANG)[0]:
            self.pid = None
        return self.pid is not None

    def failure(self) -> None:
        """Return nothing: the child logs its own errors."""

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        if self.is_running() and self.pid is not None:
            os.kill(self.pid, signal.SIGTERM)

    def stop(self) -> None:
        """Send SIGTERM and wait; send SIGKILL after 30 s."""
        self.ask_to_stop()
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        while self.is_running() and self.pid is not None:
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(POLL_SECONDS)
