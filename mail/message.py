"""Assembles finished messages in one fixed MIME structure; tests parse them back."""

from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from hashlib import sha256

from mail.addresses import Addressee
from mail.bodies import part
from mail.headers import mailboxes, unstructured
from mail.identity import Sender


@dataclass(frozen=True, slots=True)
class Envelope:
    """Everything the headers need. `unsubscribe` is a URL, on reminders and digests only."""

    message_id: str
    subject: str
    sender: Sender
    to: Addressee
    cc: tuple[Addressee, ...]
    language: str
    date: datetime
    unsubscribe: str | None = None

    @property
    def recipients(self) -> tuple[str, ...]:
        """Each recipient address once, `To` first."""
        return tuple(dict.fromkeys([self.to.email, *(person.email for person in self.cc)]))


@dataclass(frozen=True, slots=True)
class BuiltMail:
    """A message ready to send: `raw` goes unchanged to each of `envelope.recipients`."""

    template: str
    envelope: Envelope
    text: str
    html: str
    raw: bytes
    tokens: tuple[str, ...] = field(default=(), repr=False)

    @property
    def message_id(self) -> str:
        """Message-ID with angle brackets."""
        return self.envelope.message_id

    @property
    def subject(self) -> str:
        """Subject as plain text."""
        return self.envelope.subject


def assemble(envelope: Envelope, text: str, html: str) -> bytes:
    """Return the message as bytes with CRLF line ends; seven-bit unless an address is not ASCII."""
    boundary = "=_" + sha256(envelope.message_id.encode("utf-8")).hexdigest()[:32]
    opening = f"\r\n--{boundary}\r\n".encode("ascii")
    head = "\r\n".join(_header_lines(envelope, boundary))
    return b"".join(
        (
            head.encode("utf-8"),
            b"\r\n",
            opening,
            part("plain", text, boundary),
            opening,
            part("html", html, boundary),
            f"\r\n--{boundary}--\r\n".encode("ascii"),
        )
    )


def _header_lines(envelope: Envelope, boundary: str) -> list[str]:
    sender = envelope.sender
    lines = [
        f"Date: {format_datetime(envelope.date)}",
        mailboxes("From", (sender.author,)),
    ]
    if sender.sender:
        lines.append(f"Sender: {sender.sender}")
    if sender.reply_to:
        lines.append(f"Reply-To: {sender.reply_to}")
    lines.append(mailboxes("To", (envelope.to,)))
    if envelope.cc:
        lines.append(mailboxes("Cc", envelope.cc))
    lines += [
        unstructured("Subject", envelope.subject),
        f"Message-ID: {envelope.message_id}",
        "MIME-Version: 1.0",
        f"Content-Language: {envelope.language}",
        "Auto-Submitted: auto-generated",
    ]
    if envelope.unsubscribe:
        lines.append(f"List-Unsubscribe: <{envelope.unsubscribe}>")
        lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    lines.append(f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"')
    return lines
