"""Calls to the outside in the form of Standard Webhooks 1.0, as ports."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from domain.ports import HttpReply

BODY_LIMIT: Final = 64 * 1024
TIME_OUT: Final = 15.0

AddressCheck = Callable[[str], bool]
"""Whether an IP address, as text, may be connected to."""

Resolve = Callable[[str, int], Sequence[str]]
"""IP addresses of a host name and port; raises OSError when there are none."""


@dataclass(frozen=True, slots=True)
class Call:
    """One message for one receiver. `webhook_id` is the same on every try; `secrets` newest first."""

    url: str
    webhook_id: str
    body: bytes
    secrets: tuple[str, ...] = field(repr=False)


class CallSender(Protocol):
    """Signs a call and posts it once. Safe to use from many threads."""

    def send(self, call: Call) -> HttpReply:
        """Return whatever was answered. Raises Unreachable, or Invalid(`forbidden_address`)."""
