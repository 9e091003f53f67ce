"""In-memory fakes: customers' instances that can be down, and mailboxes that count."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from kontor.adapters.fakes import http_reply, refused, timed_out
from kontor.kernel.errors import Unreachable
from kontor.kernel.ports import HttpReply

HOST = "https://{label}.instances.example/hook"
MESSAGE_ID = b"\nMessage-ID: "


def url_of(label: str) -> str:
    """Return the URL of an account's instance."""
    return HOST.format(label=label.lower())


@dataclass(slots=True)
class FakeInstances:
    """Implements kontor.kernel.ports.HttpSender: returns 204, or fails as set in `down` by URL."""

    down: dict[str, str] = field(default_factory=dict)
    calls: int = 0
    failures: int = 0
    keys: set[bytes] = field(default_factory=set)
    repeats: int = 0

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        """Receive a call; fail it when the instance is down. Raises Unreachable."""
        failure = self.down.get(url)
        if failure is not None:
            self.failures += 1
            return _fail(failure)
        self.calls += 1
        by_name = {name.lower(): text for name, text in headers.items()}
        key = hashlib.blake2b(f"{url} {by_name.get('webhook-id')}".encode(), digest_size=8).digest()
        self.repeats += key in self.keys
        self.keys.add(key)
        return http_reply(204)


def _fail(failure: str) -> HttpReply:
    match failure:
        case "refused":
            raise _unreachable(refused())
        case "timeout":
            raise _unreachable(timed_out())
        case _:
            return http_reply(int(failure))


def _unreachable(error: Unreachable) -> Unreachable:
    return error


@dataclass(slots=True)
class FakeMailboxes:
    """Implements kontor.kernel.ports.MailTransport: counts deliveries and repeats, keeps no text."""

    delivered: int = 0
    repeats: int = 0
    seen: set[bytes] = field(default_factory=set)
    by_domain: Counter[str] = field(default_factory=Counter)

    def send(self, envelope_from: str, recipient: str, raw: bytes) -> None:
        """Count one delivery."""
        begin = raw.index(MESSAGE_ID) + len(MESSAGE_ID)
        message_id = raw[begin : raw.index(b"\n", begin)]
        key = hashlib.blake2b(message_id + b" " + recipient.encode(), digest_size=8).digest()
        self.repeats += key in self.seen
        self.seen.add(key)
        self.delivered += 1
        self.by_domain[recipient.rpartition("@")[2]] += 1

    def close(self) -> None:
        """No-op."""
