"""Results of handlers: outcomes are returned, failures raised."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Done:
    """Succeeded. `result` must be JSON-serialisable; API and console show it."""

    result: Any = None


@dataclass(frozen=True, slots=True)
class Snooze:
    """Not due yet: run again at `until` (aware). Uses no attempt."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Cancel:
    """No longer needed."""

    reason: str


Outcome = Done | Snooze | Cancel


class Transient(Exception):
    """Failed, to be retried after `retry_in` or by the task's policy."""

    def __init__(self, message: str, *, retry_in: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_in = retry_in


class Permanent(Exception):
    """Failed permanently: the job is dead at once."""


class Down(Exception):
    """The lane's remote is down: the lane is held and no attempt is used."""

    def __init__(self, message: str, *, retry_in: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_in = retry_in


class Stopped(Exception):
    """The handler stopped because cancellation was requested."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error in its stored form. `fingerprint` groups similar errors."""

    type: str
    message: str
    traceback: str = field(default="", compare=False)
    fingerprint: str = ""

    def document(self) -> dict[str, str]:
        """Return the JSON form stored with jobs and attempts."""
        return {"type": self.type, "message": self.message, "traceback": self.traceback}
