"""Header lines of RFC 5322, encoded by RFC 2047 where the text is not plain ASCII."""

import re
from base64 import b64encode
from collections.abc import Iterable

from mail.addresses import Addressee

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
