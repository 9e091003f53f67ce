"""A crash point that kills its own process, for fault tests (setting KONTOR_CRASH_POINT)."""

import os
import signal
import threading


class KillAt:
    """Implements kontor.kernel.ports.CrashPoint. `spec` is `NAME` or `NAME:N`: SIGKILL at the Nth call, from 1."""

    def __init__(self, spec: str) -> None:
        name, _, nth = spec.partition(":")
        self._name = name
        self._remaining = int(nth or 1)
        self._lock = threading.Lock()

    def __call__(self, name: str) -> None:
        """Pass the crash point, or die there."""
        if name != self._name:
            return
        with self._lock:
            self._remaining -= 1
            if self._remaining == 0:
                os.kill(os.getpid(), signal.SIGKILL)
