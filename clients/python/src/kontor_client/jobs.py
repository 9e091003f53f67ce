"""A leased job, and what a handler may say about it in addition to a result."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class Permanent(Exception):
    """It will never succeed: do not try again."""


class RetryIn(Exception):
    """It failed; try again in so many seconds."""

    def __init__(self, seconds: float, error: str = "asked to be tried again") -> None:
        super().__init__(error)
        self.seconds = seconds


class Snooze(Exception):
    """It is not due yet: run it again at an instant (aware). Uses no attempt."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until.isoformat())
        self.until = until


class Release(Exception):
    """Give it back unharmed: another worker runs it. Uses no attempt."""


@dataclass(eq=False)
class Job:
    """A job that this worker holds. `id` is the same on every attempt: use it as the key of what you do."""

    lease: str
    id: str
    task: str
    attempt: int
    args: Mapping[str, Any]
    account: str | None
    reseller: str | None
    external_id: str | None
    _cancelled: threading.Event = field(default_factory=threading.Event, repr=False)
    _lost: threading.Event = field(default_factory=threading.Event, repr=False)
    _stopping: threading.Event = field(default_factory=threading.Event, repr=False)

    @classmethod
    def of(cls, item: Mapping[str, Any], stopping: threading.Event) -> Job:
        """Build a job from an item of `POST /v1/leases`."""
        job = item["job"]
        return cls(
            lease=item["lease"],
            id=job["id"],
            task=job["task"],
            attempt=job["attempt"],
            args=job["args"],
            account=job["account"],
            reseller=job["reseller"],
            external_id=job["external_id"],
            _stopping=stopping,
        )

    @property
    def cancelled(self) -> bool:
        """Somebody cancelled the job: stop and raise Release."""
        return self._cancelled.is_set()

    @property
    def lost(self) -> bool:
        """The lease has ended: the job is another worker's, and what this handler returns does not count."""
        return self._lost.is_set()

    @property
    def stopping(self) -> bool:
        """The worker stops: a long handler may raise Release."""
        return self._stopping.is_set()

    def note_cancelled(self) -> None:
        """Remember that somebody cancelled the job."""
        self._cancelled.set()

    def note_lost(self) -> None:
        """Remember that the lease has ended."""
        self._lost.set()
