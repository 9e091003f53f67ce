"""What a handler says of its work: outcomes are returned, failures raised."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Done:
    """Succeeded. `result` is JSON-able and shown to whoever asks for the job."""

    result: Any = None


@dataclass(frozen=True, slots=True)
class Snooze:
    """Not yet: run again at `until` (aware). Burns no attempt."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Cancel:
    """No longer needed."""

    reason: str


Outcome = Done | Snooze | Cancel


class Transient(Exception):
    """Failed, worth another attempt, by policy or after `retry_in`."""

    def __init__(self, message: str, *, retry_in: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_in = retry_in


class Permanent(Exception):
    """Failed for good: the job is dead at once."""


class Down(Exception):
    """The lane's remote is down: the lane is held and no attempt is burnt."""

    def __init__(self, message: str, *, retry_in: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_in = retry_in


class Stopped(Exception):
    """The handler gave way to a request to cancel."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as it is stored: type, message, traceback, and a fingerprint that groups like with like."""

    type: str
    message: str
    traceback: str = field(default="", compare=False)
    fingerprint: str = ""

    def document(self) -> dict[str, str]:
        """The JSON shape in which jobs and attempts keep it."""
        return {"type": self.type, "message": self.message, "traceback": self.traceback}
