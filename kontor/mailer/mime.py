"""The finished message in one fixed MIME shape; the tests parse it back."""

import re
from base64 import b64encode, encodebytes
from binascii import b2a_qp
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import format_datetime
from hashlib import sha256

from kontor.mailer.identity import Addressee, SenderIdentity


@dataclass(frozen=True, slots=True)
class Envelope:
    """Everything the headers need. `unsubscribe` is a URL, on reminders and digests only."""

    message_id: str
    subject: str
    sender: SenderIdentity
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
            mime_part("plain", text, boundary),
            opening,
            mime_part("html", html, boundary),
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


MAX_LINE_LENGTH = 998


def mime_part(kind: str, text: str, boundary: str) -> bytes:
    """Return one MIME part of type `text/kind` with its headers; `text` has LF line ends."""
    data = text.replace("\n", "\r\n").encode("utf-8", "replace")
    if not data.endswith(b"\r\n"):
        data += b"\r\n"
    encoding, encoded = _encode(text, data, boundary)
    head = f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    return head.encode("ascii") + encoded


def _encode(text: str, data: bytes, boundary: str) -> tuple[str, bytes]:
    if text.isascii() and boundary not in text:
        if max(map(len, data.split(b"\r\n"))) <= MAX_LINE_LENGTH:
            return "7bit", data
        return "quoted-printable", b2a_qp(data, istext=True)
    if len(data) - len(text) < len(text) // 12:
        return "quoted-printable", b2a_qp(data, istext=True)
    return "base64", encodebytes(data).replace(b"\n", b"\r\n")


WIDTH = 76
SPACE = 0x20
_WORD_BYTES = 45
_PLAIN_BYTES = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_ATOM_WORDS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")


def unstructured(name: str, text: str) -> str:
    """Return a free-text header without its line end. `text` must be a single line."""
    if _is_plain(text):
        return _folded(f"{name}: {text}")
    return f"{name}: " + "\r\n ".join(_encoded_words(text, len(name) + 2))


def mailboxes(name: str, people: Iterable[Addressee]) -> str:
    """Return an address header without its line end, one mailbox per line."""
    return f"{name}: " + ",\r\n ".join(mailbox(person, len(name) + 2) for person in people)


def mailbox(person: Addressee, column: int = 1) -> str:
    """Return `name <address>`, the name as atoms, quoted or encoded."""
    if not person.name:
        return person.email
    phrase = _phrase(person.name, column)
    first = column if "\r\n" not in phrase else 0
    room = WIDTH - first - len(phrase.rpartition("\n")[2])
    gap = " " if len(person.email) + 3 <= room else "\r\n "
    return f"{phrase}{gap}<{person.email}>"


def _phrase(text: str, column: int) -> str:
    if not _is_plain(text) or len(text) > WIDTH - 10:
        return "\r\n ".join(_encoded_words(text, column))
    if _ATOM_WORDS.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _is_plain(text: str) -> bool:
    if not text.isascii() or not text.isprintable() or "=?" in text:
        return False
    return len(text) <= WIDTH - 12 or max(map(len, text.split(" "))) < WIDTH - 12


def _encoded_words(text: str, column: int) -> list[str]:
    if len(text) <= WIDTH - column and len(word := _q_word(text)) <= WIDTH - column:
        return [word]
    room = max(6, _WORD_BYTES - -(-column * 3 // 4))
    words: list[str] = []
    chunk = b""
    for char in text:
        encoded = char.encode("utf-8", "replace")
        if len(chunk) + len(encoded) > room:
            words.append(_word(chunk))
            chunk, room = b"", _WORD_BYTES
        chunk += encoded
    return [*words, _word(chunk)]


def _q_word(text: str) -> str:
    letters = "".join(
        chr(byte) if byte in _PLAIN_BYTES else "_" if byte == SPACE else f"={byte:02X}"
        for byte in text.encode("utf-8", "replace")
    )
    return f"=?utf-8?q?{letters}?="


def _word(chunk: bytes) -> str:
    return f"=?utf-8?b?{b64encode(chunk).decode('ascii')}?="


def _folded(line: str) -> str:
    if len(line) <= WIDTH + 2:
        return line
    lines: list[str] = []
    while len(line) > WIDTH:
        cut = line.rfind(" ", 1, WIDTH)
        if cut <= line.find(":") + 1 and not lines:
            cut = -1
        if cut <= 0:
            break
        lines.append(line[:cut])
        line = line[cut:]
    return "\r\n".join([*lines, line])


MASK = "***"


def mask_tokens(mail: BuiltMail) -> BuiltMail:
    """Return the mail unsigned, with the tokens of its links masked."""
    envelope, text, html = mail.envelope, mail.text, mail.html
    unsubscribe = envelope.unsubscribe
    for token in mail.tokens:
        text, html = text.replace(token, MASK), html.replace(token, MASK)
        unsubscribe = unsubscribe and unsubscribe.replace(token, MASK)
    envelope = replace(envelope, unsubscribe=unsubscribe)
    raw = assemble(envelope, text, html)
    return BuiltMail(mail.template, envelope, text, html, raw)


def token_in_link(link: str) -> str:
    """Return the token of a link: the last segment of its path."""
    return link.partition("?")[0].rpartition("/")[2]
