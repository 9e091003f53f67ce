"""The world outside in memory: customers' instances that go away and come back, mailboxes that count."""

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
    """Where an account's instance is."""
    return HOST.format(label=label.lower())


@dataclass(slots=True)
class Instances:
    """Obeys kontor.kernel.ports.HttpSender: answers 204, or what an outage of that instance looks like."""

    down: dict[str, str] = field(default_factory=dict)
    calls: int = 0
    failures: int = 0
    keys: set[bytes] = field(default_factory=set)
    repeats: int = 0

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        """Take a call, or refuse it as the outage says."""
        manner = self.down.get(url)
        if manner is not None:
            self.failures += 1
            return _failure(manner)
        self.calls += 1
        told = {name.lower(): text for name, text in headers.items()}
        key = hashlib.blake2b(f"{url} {told.get('webhook-id')}".encode(), digest_size=8).digest()
        self.repeats += key in self.keys
        self.keys.add(key)
        return http_reply(204)


def _failure(manner: str) -> HttpReply:
    match manner:
        case "refused":
            raise _unreachable(refused())
        case "timeout":
            raise _unreachable(timed_out())
        case _:
            return http_reply(int(manner))


def _unreachable(error: Unreachable) -> Unreachable:
    return error


@dataclass(slots=True)
class Mailboxes:
    """Obeys kontor.kernel.ports.MailTransport: keeps no text, only that each message came once to each address."""

    delivered: int = 0
    repeats: int = 0
    seen: set[bytes] = field(default_factory=set)
    by_domain: Counter[str] = field(default_factory=Counter)

    def send(self, envelope_from: str, recipient: str, raw: bytes) -> None:
        """Count a delivery."""
        begin = raw.index(MESSAGE_ID) + len(MESSAGE_ID)
        message_id = raw[begin : raw.index(b"\n", begin)]
        key = hashlib.blake2b(message_id + b" " + recipient.encode(), digest_size=8).digest()
        self.repeats += key in self.seen
        self.seen.add(key)
        self.delivered += 1
        self.by_domain[recipient.rpartition("@")[2]] += 1

    def close(self) -> None:
        """Nothing to close."""
