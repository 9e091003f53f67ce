"""Handing a finished message to the world: the port, and the two ways it fails."""

import re
from typing import Final, Protocol

import idna

from domain.errors import KontorError

_LABEL: Final = "[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_DOMAIN: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


class MailRefused(KontorError):
    """The recipient or the message is refused for good; `at_rcpt` marks an address to suppress."""

    def __init__(self, message: str, *, smtp_code: int | None = None, at_rcpt: bool = False) -> None:
        super().__init__("mail_refused", message, smtp_code=smtp_code, at_rcpt=at_rcpt)
        self.smtp_code = smtp_code
        self.at_rcpt = at_rcpt


class MailDeferred(KontorError):
    """Not now: a 4xx, a time-out or no connection; the same bytes may be sent again."""

    def __init__(self, message: str, *, smtp_code: int | None = None) -> None:
        super().__init__("mail_deferred", message, smtp_code=smtp_code)
        self.smtp_code = smtp_code


def ascii_domain(domain: str) -> str:
    """Return a mail domain in lower-case ASCII, labels in other scripts as `xn--…`. Raises ValueError."""
    wired = domain.lower() if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii").lower()
    if not _DOMAIN.fullmatch(wired):
        raise ValueError(f"not a domain: {domain!r}")
    return wired


class MailTransport(Protocol):
    """Sends finished messages. Safe to call from many threads."""

    def send(self, envelope_from: str, recipient: str, raw: bytes) -> None:
        """Deliver to one recipient in one transaction. Raises MailRefused or MailDeferred."""

    def close(self) -> None:
        """Say goodbye to the server and stop; further sends fail."""


class MailSigner(Protocol):
    """Adds a signature to a finished message."""

    def __call__(self, raw: bytes) -> bytes:
        """Return the message with the signature's header in front."""
