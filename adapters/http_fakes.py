"""An in-memory HTTP client that implements domain.ports.HttpSender."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from domain.errors import Unreachable
from domain.ports import HttpReply


@dataclass(frozen=True, slots=True)
class Posted:
    """One received POST; header names in lower case."""

    url: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(slots=True)
class FakeHttp:
    """Returns the queued replies, then 204; records every POST that a real receiver would have seen.

    `meanwhile` holds callbacks that run during the next POSTs.
    """

    posted: list[Posted] = field(default_factory=list)
    answers: deque[HttpReply | Unreachable] = field(default_factory=deque)
    meanwhile: deque[Callable[[], object]] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        """Return or raise the next reply. A refused connection is not recorded."""
        with self._lock:
            answer = self.answers.popleft() if self.answers else answered(204)
            if not (isinstance(answer, Unreachable) and not answer.sent):
                self.posted.append(Posted(url, body, {name.lower(): text for name, text in headers.items()}))
            callback = self.meanwhile.popleft() if self.meanwhile else None
        if callback is not None:
            callback()
        if isinstance(answer, Unreachable):
            raise answer
        return answer

    def will(self, *answers: HttpReply | Unreachable) -> None:
        """Queue replies for the next POSTs."""
        self.answers.extend(answers)


def refused() -> Unreachable:
    """A refused connection."""
    return Unreachable("no connection: refused", sent=False)


def timed_out() -> Unreachable:
    """A time-out: the request may have arrived, but no response came."""
    return Unreachable("no answer in 15 s", timed_out=True)


def answered(status: int, **headers: str) -> HttpReply:
    """A reply with a status; `retry_after="5"` becomes the header `retry-after`."""
    return HttpReply(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"")
