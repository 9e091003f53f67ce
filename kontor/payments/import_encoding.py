"""The encoding of a payment file, from its bytes, in constant memory. No database.

A file is UTF-8 or UTF-16 when all of it is. Otherwise it has one byte for a letter, and only two code pages come into
question: Windows-1251 (Cyrillic) and Windows-1252, which contains Latin-1. Cyrillic words consist of such bytes, Latin
words have single ones between plain letters. A general detector, asked about these two, took short Cyrillic files for
Latin ones.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Final

from kontor.kernel.errors import Invalid

BLOCK: Final = 1 << 20
SAMPLE: Final = 1 << 16
MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
HIGH_WORDS: Final = re.compile(rb"[\xa8\xb8\xc0-\xff]{2,}")
BESIDE_LATIN: Final = re.compile(rb"[A-Za-z][\x80-\xff]|[\x80-\xff][A-Za-z]")
HIGH: Final = re.compile(rb"[\x80-\xff]")
MULTIBYTE: Final = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
ONE_C: Final = b"1CClientBankExchange"
CODE_PAGES: Final = {"windows": "cp1251", "dos": "cp866", "utf-8": "utf-8", "utf8": "utf-8"}
ONE_C_CODE_PAGE: Final = re.compile(
    b"(?:" + b"|".join(re.escape("Кодировка=".encode(page)) for page in ("cp1251", "cp866", "utf-8")) + rb")(.*)"
)


def blocks(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file. Raises Invalid when it cannot be read."""
    try:
        with path.open("rb") as source:
            while block := source.read(BLOCK):
                yield block
    except OSError as error:
        raise Invalid("invalid", f"{path} cannot be read: {error.strerror}.") from None


def digest_of(path: Path, options: str) -> str:
    """Return the SHA-256, in hex, of a file and of the options that say how it is read."""
    sha = sha256(options.encode())
    for block in blocks(path):
        sha.update(block)
    return sha.hexdigest()


def encoding_of(path: Path) -> str:
    """Return the codec of a file. Raises Invalid when its bytes fit none, with the line."""
    head = next(blocks(path), b"")[:SAMPLE]
    for mark, codec in MARKS:
        if head.startswith(mark):
            return checked(path, codec)
    if wide := wide_codec(head):
        return checked(path, wide)
    if first_invalid_line(path, "utf-8") is None:
        return "utf-8"
    if head.startswith(ONE_C) and (line := ONE_C_CODE_PAGE.search(head)):
        return checked(path, CODE_PAGES.get(line[1].strip().decode("ascii", "replace").casefold(), "cp1251"))
    return checked(path, code_page(path))


def wide_codec(head: bytes) -> str | None:
    """Return the UTF-16 codec of bytes without a mark: every other byte of digits, separators and ends of line is 0."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) * 10 < len(head[::2]) or min(even, odd) * 10 > max(even, odd):
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def code_page(path: Path) -> str:
    """Return the code page of a file that is not UTF-8. Raises Invalid when most of it is UTF-8, with the line."""
    high = multibyte = in_words = beside_latin = 0
    for block in blocks(path):
        high += len(HIGH.findall(block))
        multibyte += sum(len(letter) for letter in MULTIBYTE.findall(block))
        in_words += sum(len(word) for word in HIGH_WORDS.findall(block))
        beside_latin += len(BESIDE_LATIN.findall(block))
    if multibyte * 2 > high:
        raise broken(path, "utf-8")
    return "cp1251" if in_words > 2 * beside_latin else "cp1252"


def checked(path: Path, codec: str) -> str:
    """Return the codec if the whole file can be read with it. Raises Invalid with the line."""
    if first_invalid_line(path, codec) is not None:
        raise broken(path, codec)
    return codec


def broken(path: Path, codec: str) -> Invalid:
    """Return the error of a file whose bytes do not fit its encoding."""
    name, line = codec.removesuffix("-sig").upper(), first_invalid_line(path, codec) or 0
    return Invalid("invalid", f"{path.name} is not {name} (line {line}): save the file as UTF-8.")


def first_invalid_line(path: Path, codec: str) -> int | None:
    """Return the number of the first line that cannot be read; None when all can."""
    decoder = codecs.getincrementaldecoder(codec)()
    line = 1
    for block in chain(blocks(path), (b"",)):
        try:
            line += decoder.decode(block, final=not block).count("\n")
        except UnicodeDecodeError as error:
            return line + error.object[: error.start].decode(codec, "replace").count("\n")
    return None
