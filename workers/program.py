"""A role as a child process: forked, so that it starts without importing everything anew."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

import uuid_utils

PATIENCE_SECONDS = 30.0
LOOK_SECONDS = 0.02
PR_SET_PDEATHSIG = 1
ARG_START, ARG_END = 47, 48
"""Fields of /proc/PID/stat, counted from 0: where the command line lies in memory."""


def kontor_command() -> Path:
    """The installed command, beside the interpreter: for those who start a process of their own."""
    return Path(sys.executable).with_name("kontor")


def show_as(title: str) -> None:
    """Make `title` this process's command line, as `ps` and `pgrep -f` see it."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = int(fields[ARG_START - 2]), int(fields[ARG_END - 2])
    room = end - start
    text = title.encode()[: room - 1]
    ctypes.memmove(start, text.ljust(room, b"\0"), room)


def die_with(parent: int) -> None:
    """Be killed when the parent's main thread ends; at once if it has already."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def let_go_of_the_parent() -> None:
    """Drop what a fork inherits: session, signals, open files (the owner's lock among them), chance."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.closerange(3, 1 + max(int(entry.name) for entry in Path("/proc/self/fd").iterdir()))
    uuid_utils.reseed_rng()


def live(name: str, body: Callable[[], object], environ: Mapping[str, str], parent: int) -> NoReturn:
    """Be the child: run `body` and leave without the parent's clean-up, whatever happened."""
    status = 1
    try:
        die_with(parent)
        let_go_of_the_parent()
        os.environ.update(environ)
        show_as(f"kontor {name}")
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


class Program:
    """`kontor NAME`, run by `body` with an environment of its own."""

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
            live(self.name, self._body, self._environ, parent)
        self.pid = pid

    def is_running(self) -> bool:
        """Whether it lives; reaps it when it does not."""
        if self.pid is not None and os.waitpid(self.pid, os.WNOHANG)[0]:
            self.pid = None
        return self.pid is not None

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        if self.is_running() and self.pid is not None:
            os.kill(self.pid, signal.SIGTERM)

    def stop(self) -> None:
        """Wait for its end, SIGKILL at last."""
        self.ask_to_stop()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.is_running() and self.pid is not None:
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(LOOK_SECONDS)
