"""Mail transport: the port for finished messages and its two failures."""

import re
from typing import Final, Protocol

import idna

from domain.errors import KontorError

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
