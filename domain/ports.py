"""Ports: the external services that rules and engine need, as Protocols."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time. `now` may be the test clock; leases, time-outs and protocol dates use `real` and `monotonic`."""

    def now(self) -> datetime:
        """Return programme time, aware, UTC."""

    def real(self) -> datetime:
        """Return wall time, aware, UTC."""

    def monotonic(self) -> float:
        """Return seconds of real time since an arbitrary start."""


class Doorbell(Protocol):
    """Hints to the relay that jobs were committed; a hint may be lost."""

    def ring(self) -> None:
        """Return at once; never raise."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """An HTTP response: status 100-599, headers with lower-case names, at most 64 KiB of body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpSender(Protocol):
    """Outgoing HTTP to customers' instances and webhook endpoints."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        """POST once. Raises domain.errors.Unreachable when there was no answer."""


class Sealer(Protocol):
    """Encryption at rest for secrets that must be read back."""

    def seal(self, plain: str) -> str:
        """Encrypt text for storage."""

    def open(self, sealed: str) -> str:
        """Decrypt the result of `seal`."""


class TxtResolver(Protocol):
    """DNS TXT look-ups for the verification of domains."""

    def txt(self, name: str) -> Iterable[str]:
        """Return the TXT strings of a name; empty when there are none."""


class CrashPoint(Protocol):
    """A named point at which a fault test kills the process; does nothing in production."""

    def __call__(self, name: str) -> None:
        """Pass the point `name`."""
