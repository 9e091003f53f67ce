"""Fakes of the outside world that obey the ports: clock, HTTP, SMTP."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock

from kontor.kernel.errors import Unreachable
from kontor.kernel.ports import HttpReply, MailDeferred, MailRefused

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class ManualClock:
    """Implements kontor.kernel.ports.Clock; programme time and wall time are the same."""

    def __init__(self, now: datetime = NOON) -> None:
        self._start = self._now = now

    def now(self) -> datetime:
        """Programme time, aware, UTC."""
        return self._now

    def wall_time(self) -> datetime:
        """The same instant."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the clock was created."""
        return (self._now - self._start).total_seconds()

    def advance(self, by: timedelta) -> datetime:
        """Advance the clock; return the new time."""
        self._now += by
        return self._now


@dataclass(frozen=True, slots=True)
class ReceivedPost:
    """One received POST; header names in lower case."""

    url: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(slots=True)
class FakeHttp:
    """Returns the queued replies, then 204; records every POST that a real receiver would have seen.

    `meanwhile` holds callbacks that run during the next POSTs.
    """

    posted: list[ReceivedPost] = field(default_factory=list)
    answers: deque[HttpReply | Unreachable] = field(default_factory=deque)
    during_post: deque[Callable[[], object]] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        """Return or raise the next reply. A refused connection is not recorded."""
        with self._lock:
            answer = self.answers.popleft() if self.answers else http_reply(204)
            if not (isinstance(answer, Unreachable) and not answer.sent):
                self.posted.append(ReceivedPost(url, body, {name.lower(): text for name, text in headers.items()}))
            callback = self.during_post.popleft() if self.during_post else None
        if callback is not None:
            callback()
        if isinstance(answer, Unreachable):
            raise answer
        return answer

    def get(self, url: str, limit: int) -> HttpReply:
        """Return or raise the next reply, cut to `limit` bytes; recorded as a POST without a body is."""
        reply = self.post(url, b"", {})
        return HttpReply(reply.status, reply.headers, reply.body[:limit])

    def queue_replies(self, *answers: HttpReply | Unreachable) -> None:
        """Queue replies for the next POSTs."""
        self.answers.extend(answers)


def refused() -> Unreachable:
    """A refused connection."""
    return Unreachable("no connection: refused", sent=False)


def timed_out() -> Unreachable:
    """A time-out: the request may have arrived, but no response came."""
    return Unreachable("no answer in 15 s", timed_out=True)


def http_reply(status: int, **headers: str) -> HttpReply:
    """A reply with a status; `retry_after="5"` becomes the header `retry-after`."""
    return HttpReply(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"")


@dataclass(frozen=True, slots=True)
class SentMail:
    """One delivery."""

    envelope_from: str
    recipient: str
    raw: bytes


class FakeMailTransport:
    """A MailTransport in memory. `answers` maps recipients to the error raised for them."""

    def __init__(self, answers: Mapping[str, MailRefused | MailDeferred] | None = None) -> None:
        self.answers = dict(answers or {})
        self._lock = Lock()
        self._sent: list[SentMail] = []
        self._closed = False

    @property
    def sent(self) -> tuple[SentMail, ...]:
        """The delivered mails, oldest first."""
        with self._lock:
            return tuple(self._sent)

    def send(self, envelope_from: str, recipient: str, raw: bytes) -> None:
        """Keep the message, or raise the recipient's error of `answers`."""
        if self._closed:
            raise MailDeferred("the mail transport is closed")
        answer = self.answers.get(recipient)
        if answer is not None:
            raise answer
        with self._lock:
            self._sent.append(SentMail(envelope_from, recipient, raw))

    def close(self) -> None:
        """Refuse further sends."""
        self._closed = True
