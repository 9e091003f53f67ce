"""A role as a forked child process, which starts without importing everything again."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

import uuid_utils

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


def detach_from_parent() -> None:
    """Reset inherited state: session, signal handlers, open files (also the owner lock), random seed."""
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


class Program:
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
