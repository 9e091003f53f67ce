"""Ports of the outside world: HTTP, mail, secrets, passwords, clocks, DNS proofs. Adapters implement them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol

import idna

from kontor.kernel.errors import FieldError, Invalid, KontorError


class Clock(Protocol):
    """Time. `now` may be the test clock; leases, time-outs and protocol dates use `real` and `monotonic`."""

    def now(self) -> datetime:
        """Return programme time, aware, UTC."""

    def wall_time(self) -> datetime:
        """Return wall time, aware, UTC."""

    def monotonic(self) -> float:
        """Return seconds of real time since an arbitrary start."""


class RelayHint(Protocol):
    """Hints to the relay that jobs were committed; a hint may be lost."""

    def ring(self) -> None:
        """Return at once; never raise."""

    def offer(self, task: str, tenant: str) -> None:
        """Note a job for pull workers; those that wait hear of it with this thread's next ring."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A response: status 100-599, headers with lower-case names, the first bytes of the body (of a POST 64 KiB)."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpSender(Protocol):
    """Outgoing HTTP to customers' instances and webhook endpoints."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        """POST once. Raises kontor.kernel.errors.Unreachable when there was no answer."""


class HttpReader(Protocol):
    """Outgoing HTTP for files that customers named."""

    def get(self, url: str, limit: int) -> HttpReply:
        """GET once; at most `limit` bytes of the body. Raises Unreachable, or Invalid(`forbidden_address`)."""


class SecretBox(Protocol):
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


def no_crash(name: str) -> None:
    """Do nothing: the crash point of production."""


_LABEL: Final = "[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_DOMAIN: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


class MailRefused(KontorError):
    """The recipient or the message is refused permanently; `at_rcpt`: suppress the address."""

    def __init__(self, message: str, *, smtp_code: int | None = None, at_rcpt: bool = False) -> None:
        super().__init__("mail_refused", message, smtp_code=smtp_code, at_rcpt=at_rcpt)
        self.smtp_code = smtp_code
        self.at_rcpt = at_rcpt


class MailDeferred(KontorError):
    """Temporary failure: 4xx, time-out or no connection; the same bytes may be sent again."""

    def __init__(self, message: str, *, smtp_code: int | None = None) -> None:
        super().__init__("mail_deferred", message, smtp_code=smtp_code)
        self.smtp_code = smtp_code


def ascii_domain(domain: str) -> str:
    """Return a mail domain in lower-case ASCII, labels in other scripts as `xn--…`. Raises ValueError."""
    encoded = domain.lower() if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii").lower()
    if not _DOMAIN.fullmatch(encoded):
        raise ValueError(f"not a valid domain: {domain!r}")
    return encoded


class MailTransport(Protocol):
    """Sends finished messages. Thread-safe."""

    def send(self, envelope_from: str, recipient: str, raw: bytes) -> None:
        """Deliver to one recipient in one transaction. Raises MailRefused or MailDeferred."""

    def close(self) -> None:
        """Close the connections; further sends fail."""


class MailSigner(Protocol):
    """Adds a signature to a finished message."""

    def __call__(self, raw: bytes) -> bytes:
        """Return the message with the signature header prepended."""


BODY_LIMIT: Final = 64 * 1024
TIME_OUT: Final = 15.0

AddressCheck = Callable[[str], bool]
"""Whether connecting to an IP address (text) is allowed."""

Resolve = Callable[[str, int], Sequence[str]]
"""Resolves a host name and port to IP addresses; raises OSError when there are none."""

Lookup = Callable[[str, int, str], Awaitable[Sequence[str]]]
"""Resolves a host name and port for a tenant; raises TimeoutError by its deadline, OSError when there are none."""


TxtLookup = Callable[[str, str], Awaitable[Sequence[str]]]
"""Returns the TXT strings of a name for a tenant, empty when there are none; raises DnsUnavailable."""


@dataclass(frozen=True, slots=True)
class OutgoingCall:
    """One message for one receiver. `webhook_id` is the same on every attempt; `secrets` are newest first."""

    url: str
    webhook_id: str
    body: bytes
    secrets: tuple[str, ...] = field(repr=False)


class CallSender(Protocol):
    """Signs a call and posts it once. Thread-safe."""

    def send(self, call: OutgoingCall) -> HttpReply:
        """Return the reply, whatever its status. Raises Unreachable, or Invalid(`forbidden_address`)."""


PASSWORD_MIN: Final = 12
PASSWORD_MAX: Final = 200


class PasswordHasher(Protocol):
    """A slow, salted hash; both calls deliberately take tens of milliseconds."""

    def hash(self, plain: str) -> str:
        """Return a self-describing hash for storage."""

    def verify(self, stored: str | None, plain: str) -> bool:
        """Return whether the password matches; None never matches and takes equally long."""


def canonical_password(plain: str) -> str:
    """Return the form to hash: NFC, so that the same keys on two systems give one password."""
    return unicodedata.normalize("NFC", plain.encode("utf-8", "replace").decode("utf-8"))


@lru_cache(maxsize=1)
def frequent_passwords() -> frozenset[str]:
    """Return the commonest passwords that are long enough to be chosen, in lower case."""
    return frozenset((Path(__file__).parent / "common_passwords.txt").read_text(encoding="utf-8").splitlines())


def validate_password(plain: str, loc: str = "password") -> str:
    """Return `canonical_password` of a new password. Raises Invalid if it is too short, too long or too common."""
    password = canonical_password(plain)
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        message = f"A password must have {PASSWORD_MIN} to {PASSWORD_MAX} characters."
    elif password.casefold() in frequent_passwords():
        message = "This password is one of the commonest. Choose another one."
    else:
        return password
    raise Invalid("invalid", message, errors=[FieldError(loc, message)])


TXT_LABEL: Final = "_kontor"
TXT_PREFIX: Final = "kontor-verify="


class DnsUnavailable(KontorError):
    """DNS gave no answer; the domain may or may not be verified."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__("dns_unavailable", f"DNS gave no answer for {name}: {problem}", name=name)


def txt_name(domain: str) -> str:
    """Return the name of the TXT record."""
    return f"{TXT_LABEL}.{domain}"


def txt_value(token: str) -> str:
    """Return the expected value of the TXT record."""
    return TXT_PREFIX + token


def is_verified(token: str, strings: Iterable[str]) -> bool:
    """Return whether one of the TXT strings is the expected value."""
    expected = txt_value(token)
    return any(text.strip() == expected for text in strings)
