"""Forwards the event feed of a remote Kontor to a URL, in the form of webhooks."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, TypeAlias

import httpx

from kontor.kernel.errors import Conflict, Forbidden, Unreachable
from kontor.kernel.ports import CallSender, Clock, HttpReply, OutgoingCall
from kontor.webhooks.signing import EVENT_TYPES

Document: TypeAlias = dict[str, Any]
"""A JSON object of the API."""
PAGE: Final = 100
LONGEST_PAUSE: Final = 5.0
POLL: Final = 1.0
BEAT: Final = 10.0
"""Seconds between heartbeats while the receiver is away; a lease lasts 60."""
TOO_MANY: Final = 429


def is_away(status: int) -> bool:
    """Whether an answer says that its sender is down, as for Kontor's own deliveries."""
    return status >= 500 or status == TOO_MANY


@dataclass
class ListenPosition:
    """Where the feed goes on, and the secret: kept in a file, so that a restart repeats and skips nothing."""

    path: Path
    after: int
    secret: str

    def save(self) -> None:
        """Write the file, readable by its owner alone."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps({"after": self.after, "secret": self.secret}))
        draft.replace(self.path)


@dataclass(frozen=True, slots=True)
class RemoteKontor:
    """The API of a Kontor elsewhere; a call waits until it answers."""

    http: httpx.Client
    stopping: threading.Event
    report: Callable[[str], None]

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, int] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> Document | None:
        """Make a call; return its document, None when the command stops before. Raises Forbidden, Conflict."""
        tried = 0
        while not self.stopping.is_set():
            try:
                answer = self.http.request(method, path, params=query, json=body)
            except httpx.TransportError as error:
                reason = str(error) or type(error).__name__
            else:
                if not is_away(answer.status_code):
                    return _document(answer)
                reason = f"answered {answer.status_code}"
            if tried == 0:
                self.report(f"Kontor is away ({reason}); trying again")
            tried += 1
            self.stopping.wait(min(LONGEST_PAUSE, 0.1 * 2 ** min(tried, 8)))
        return None

    def newest_event(self) -> int:
        """Return the number of the newest event, by halving: the feed has no call for it."""
        low, high = 0, 1
        while self._after(high):
            low, high = high, high * 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._after(middle) else (low, middle)
        return high if self._after(low) else low

    def _after(self, number: int) -> bool:
        page = self.call("GET", "/v1/events", query={"after": number, "limit": 1})
        if page is None:
            raise Conflict("stopped", "Stopped before Kontor answered.")
        return bool(page["items"])


def _document(answer: httpx.Response) -> Document:
    """Return the document of an answer. Raises Forbidden, Conflict."""
    document: Document = answer.json() if answer.content else {}
    if answer.is_success:
        return document
    code, detail = str(document.get("code", "refused")), str(document.get("detail", answer.text[:200]))
    kind = Conflict if answer.status_code == 409 else Forbidden
    raise kind(code, f"Kontor answered {answer.status_code}: {detail}")


class Unanswered(Exception):
    """The receiver got a message and gave no answer: nobody knows what it did."""


@dataclass(frozen=True, slots=True)
class Forwarder:
    """Delivers messages to the receiver, signed as Kontor signs."""

    remote: RemoteKontor
    sender: CallSender
    clock: Clock
    url: str
    position: ListenPosition

    def send(
        self, message_id: str, name: str, body: bytes, beat: Callable[[], bool], *, repeats: bool = True
    ) -> HttpReply | None:
        """Deliver until the receiver answers; None when the command stops, or `beat` says that it is in vain.

        Raises Unanswered, unless it `repeats`, when the receiver got the message and gave no answer.
        """
        tried, beaten = 0, time.monotonic()
        call = OutgoingCall(self.url, message_id, body, (self.position.secret,))
        while not self.remote.stopping.is_set():
            tried += 1
            try:
                reply = self.sender.send(call)
                words = str(reply.status)
            except Unreachable as error:
                reply, words = None, error.message
                if error.sent and not repeats:
                    self.remote.report(f"{name:<20} {message_id}  {words}; asking whether it was done")
                    raise Unanswered from error
            if reply is not None and not is_away(reply.status):
                self.remote.report(f"{name:<20} {message_id}  {words}")
                return reply
            if tried == 1:
                self.remote.report(f"{name:<20} {message_id}  {words}; trying again until it is answered")
            self.remote.stopping.wait(min(LONGEST_PAUSE, 0.1 * 2 ** min(tried, 8)))
            if time.monotonic() - beaten > BEAT:
                beaten = time.monotonic()
                if not beat():
                    return None
        return None


@dataclass(frozen=True, slots=True)
class EventForwarding:
    """Follows the event feed; `patterns` name the types to forward."""

    to: Forwarder
    patterns: Sequence[str]

    def run(self) -> None:
        """Forward events in order until the command stops; each is repeated until it is answered."""
        remote, position = self.to.remote, self.to.position
        while not remote.stopping.is_set():
            query = {"after": position.after, "limit": PAGE}
            page = remote.call("GET", "/v1/events", query=query)
            for event in [] if page is None else page["items"]:
                if self._concerns(event["type"]) and not self._forward(event):
                    return
                position.after = event["seq"]
                position.save()
            if page is not None and page["next"] is None:
                remote.stopping.wait(POLL)

    def _concerns(self, name: str) -> bool:
        return name in EVENT_TYPES and any(fnmatchcase(name, pattern) for pattern in self.patterns)

    def _forward(self, event: Document) -> bool:
        """Deliver one event as a webhook endpoint would get it; whether it was answered."""
        body = {"type": event["type"], "timestamp": event["at"], "data": event["data"]}
        content = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        message_id = f"evt_{event['id'].replace('-', '')}"
        return self.to.send(message_id, event["type"], content, lambda: True) is not None
