"""State of the sample instance: secret, behaviour and received calls."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import Any, assert_never

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from kontor.adapters.clock import SystemClock
from kontor.webhooks.signing import wire_time


class ResponseMode(StrEnum):
    """How calls are answered. `timeout` accepts them and sends no response."""

    OK = "ok"
    REFUSE = "refuse"
    TIMEOUT = "timeout"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A mode for `times` calls (None: until changed); `seconds` is the response time."""

    mode: ResponseMode = ResponseMode.OK
    status: int = 200
    times: int | None = None
    seconds: float | None = None
    retry_after: str | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Behaviour:
        """Parse a request of the control port; `mode` is a mode or a status such as 503. Raises ValueError."""
        unknown = set(options) - {"mode", "times", "seconds", "retry_after"}
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        mode, times, seconds = str(options.get("mode", "ok")), options.get("times"), options.get("seconds")
        retry_after = options.get("retry_after")
        rest = (
            int(times) if times is not None else None,
            float(seconds) if seconds is not None else None,
            str(retry_after) if retry_after is not None else None,
        )
        if mode.isdigit():
            return cls(ResponseMode.STATUS, HTTPStatus(int(mode)).value, *rest)
        return cls(ResponseMode(mode), 200, *rest)


@dataclass(frozen=True, slots=True)
class Reply:
    """A response; without a status, close the connection after `seconds`."""

    status: int | None
    document: dict[str, object] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float | None = None


class ReceivedCalls:
    """Records received calls. Thread-safe. `changed` is set when the behaviour changes."""

    def __init__(self, secret: str = "", path: Path | None = None) -> None:
        self.secret = secret
        self.changed = threading.Event()
        self.calls: list[dict[str, Any]] = []
        self._path = path
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._behaviour = Behaviour()
        self._clock = SystemClock()

    def set_behaviour(self, behaviour: Behaviour) -> None:
        """Set the behaviour and release the calls that wait for a response."""
        with self._lock:
            self._behaviour = behaviour
            self.changed.set()
            self.changed = threading.Event()

    def receive(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Verify and record a call; return the response."""
        with self._lock:
            behaviour = self._next_behaviour()
            problem = self._problem(body, headers)
            reply = Reply(HTTPStatus.UNAUTHORIZED, {"error": problem}) if problem is not None else _reply_of(behaviour)
            self._write(body, headers, reply, problem)
            return reply

    def document(self) -> dict[str, object]:
        """Return mode and calls as JSON."""
        with self._lock:
            return {"mode": self._behaviour.mode.value, "calls": list(self.calls)}

    def _next_behaviour(self) -> Behaviour:
        """Return the behaviour for this call; after `times` calls the default applies again."""
        behaviour = self._behaviour
        if behaviour.times is not None:
            left = behaviour.times - 1
            rest = (behaviour.mode, behaviour.status, left, behaviour.seconds, behaviour.retry_after)
            self._behaviour = Behaviour(*rest) if left > 0 else Behaviour()
        return behaviour

    def _problem(self, body: bytes, headers: Mapping[str, str]) -> str | None:
        if not self.secret:
            return None
        try:
            Webhook(self.secret).verify(body, dict(headers), json_parse=False)
        except (WebhookVerificationError, ValueError) as error:
            return str(error)
        return None

    def _write(self, body: bytes, headers: Mapping[str, str], reply: Reply, problem: str | None) -> None:
        webhook_id = headers.get("webhook-id", "")
        accepted = reply.status is not None and reply.status < HTTPStatus.MULTIPLE_CHOICES
        try:
            event = json.loads(body)
        except ValueError:
            event = {}
        call = {
            "at": wire_time(self._clock.wall_time()),
            "webhook-id": webhook_id,
            "type": event.get("type"),
            "data": event.get("data"),
            "status": reply.status,
            "taken": accepted,
            "repeat": webhook_id in self._seen,
            "problem": problem,
        }
        if accepted:
            self._seen.add(webhook_id)
        self.calls.append(call)
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as log:
                log.write(json.dumps(call, ensure_ascii=False) + "\n")


def _reply_of(behaviour: Behaviour) -> Reply:
    headers = {"Retry-After": behaviour.retry_after} if behaviour.retry_after is not None else {}
    match behaviour.mode:
        case ResponseMode.OK:
            return Reply(HTTPStatus.OK, {"ok": True}, headers, behaviour.seconds)
        case ResponseMode.STATUS:
            return Reply(behaviour.status, {"status": behaviour.status}, headers, behaviour.seconds)
        case ResponseMode.TIMEOUT | ResponseMode.REFUSE:
            return Reply(None, seconds=behaviour.seconds or 3_600.0)
        case _:
            assert_never(behaviour.mode)
