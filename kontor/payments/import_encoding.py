"""The encoding of a payment file, from its bytes, in constant memory. No database."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Final

from kontor.kernel.encodings import SAMPLE, code_page, marked_codec
from kontor.kernel.errors import Invalid

BLOCK: Final = 1 << 20
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
    if codec := marked_codec(head):
        return checked(path, codec)
    if first_invalid_line(path, "utf-8") is None:
        return "utf-8"
    if head.startswith(ONE_C) and (line := ONE_C_CODE_PAGE.search(head)):
        return checked(path, CODE_PAGES.get(line[1].strip().decode("ascii", "replace").casefold(), "cp1251"))
    page = code_page(blocks(path))
    if page is None:
        raise broken(path, "utf-8")
    return checked(path, page)


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
