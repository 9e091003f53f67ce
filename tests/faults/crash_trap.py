"""A crash point set from outside: the first process that passes it dies there, once."""

import os
import signal
import threading
from pathlib import Path


class Trap:
    """Implements kontor.kernel.ports.CrashPoint. The file holds `NAME:N`; it is removed before the SIGKILL."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._passed = 0
        self._lock = threading.Lock()

    def set(self, name: str, nth: int = 1) -> None:
        draft = self.path.with_suffix(".draft")
        draft.write_text(f"{name}:{nth}")
        draft.replace(self.path)

    @property
    def sprung(self) -> bool:
        return not self.path.exists()

    def __call__(self, name: str) -> None:
        try:
            point, _, nth = self.path.read_text().partition(":")
        except FileNotFoundError:
            return
        if point != name:
            return
        with self._lock:
            self._passed += 1
            if self._passed < int(nth):
                return
            try:
                self.path.unlink()
            except FileNotFoundError:
                return
            os.kill(os.getpid(), signal.SIGKILL)
