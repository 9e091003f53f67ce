"""Outgoing calls in the form of Standard Webhooks 1.0, as ports."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from domain.ports import HttpReply

BODY_LIMIT: Final = 64 * 1024
TIME_OUT: Final = 15.0
_STATUS: Final = re.compile(r"answered (\d{3})\b")

AddressCheck = Callable[[str], bool]
"""Whether connecting to an IP address (text) is allowed."""

Resolve = Callable[[str, int], Sequence[str]]
"""Resolves a host name and port to IP addresses; raises OSError when there are none."""


@dataclass(frozen=True, slots=True)
class Call:
    """One message for one receiver. `webhook_id` is the same on every attempt; `secrets` are newest first."""

    url: str
    webhook_id: str
    body: bytes
    secrets: tuple[str, ...] = field(repr=False)


class CallSender(Protocol):
    """Signs a call and posts it once. Thread-safe."""

    def send(self, call: Call) -> HttpReply:
        """Return the reply, whatever its status. Raises Unreachable, or Invalid(`forbidden_address`)."""


class FailureCause(StrEnum):
    """Why a call failed, as readers without technical knowledge are told."""

    REDIRECTED = "redirected"
    ACCESS_DENIED = "access_denied"
    NOT_FOUND = "not_found"
    REJECTED = "rejected"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    ADDRESS_FORBIDDEN = "address_forbidden"
    OTHER = "other"


NOT_SENT: Final = "not sent: "
"""Prefix of the recorded error when no byte of a call can have arrived."""
_BY_STATUS: Final = {
    401: FailureCause.ACCESS_DENIED,
    403: FailureCause.ACCESS_DENIED,
    404: FailureCause.NOT_FOUND,
    410: FailureCause.NOT_FOUND,
    429: FailureCause.OVERLOADED,
}
_BY_CLASS: Final = {3: FailureCause.REDIRECTED, 4: FailureCause.REJECTED, 5: FailureCause.SERVER_ERROR}


def failure_cause(error: str) -> FailureCause:
    """Classify the recorded error of a failed call; `OTHER` for a text that no call leaves."""
    status = _STATUS.match(error)
    if status is not None:
        number = int(status[1])
        return _BY_STATUS.get(number) or _BY_CLASS.get(number // 100, FailureCause.OTHER)
    text = error.removeprefix(NOT_SENT)
    if text.startswith(("no answer in ", "no connection in ")):
        return FailureCause.TIMED_OUT
    if text.startswith(("no connection: ", "the connection broke: ")):
        return FailureCause.UNREACHABLE
    return FailureCause.ADDRESS_FORBIDDEN if text != error else FailureCause.OTHER
