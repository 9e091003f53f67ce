"""The encoding of a text file, from its bytes.

A file is UTF-8 or UTF-16 when all of it is. Otherwise it has one byte for a letter, and only two code pages come into
question: Windows-1251 (Cyrillic) and Windows-1252, which contains Latin-1. Cyrillic words consist of such bytes, Latin
words have single ones between plain letters. A general detector, asked about these two, took short Cyrillic files for
Latin ones.
"""

import codecs
import re
from collections.abc import Iterable
from typing import Final

MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
SAMPLE: Final = 1 << 16
JAPANESE: Final = "cp932"
"""What a spreadsheet on a Japanese system writes as CSV."""
JAPANESE_LEADS: Final = re.compile(rb"[\x81-\x9f]")
"""First bytes of kana and the commoner kanji; where Windows-1252 has hardly a letter."""
HIGH_WORDS: Final = re.compile(rb"[\xa8\xb8\xc0-\xff]{2,}")
BESIDE_LATIN: Final = re.compile(rb"[A-Za-z][\x80-\xff]|[\x80-\xff][A-Za-z]")
HIGH: Final = re.compile(rb"[\x80-\xff]")
MULTIBYTE: Final = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


def marked_codec(head: bytes) -> str | None:
    """Return the Unicode codec that the first bytes of a file show, None if they show none."""
    marked = next((codec for mark, codec in MARKS if head.startswith(mark)), None)
    return marked or wide_codec(head)


def wide_codec(head: bytes) -> str | None:
    """Return the UTF-16 codec of bytes without a mark: every other byte of digits, separators and ends of line is 0."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) * 10 < len(head[::2]) or min(even, odd) * 10 > max(even, odd):
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def code_page(blocks: Iterable[bytes]) -> str | None:
    """Return the code page of a file that is not UTF-8; None when most of it is."""
    high = multibyte = in_words = beside_latin = 0
    for block in blocks:
        high += len(HIGH.findall(block))
        multibyte += sum(len(letter) for letter in MULTIBYTE.findall(block))
        in_words += sum(len(word) for word in HIGH_WORDS.findall(block))
        beside_latin += len(BESIDE_LATIN.findall(block))
    if multibyte * 2 > high:
        return None
    return "cp1251" if in_words > 2 * beside_latin else "cp1252"


def decoded(content: bytes, language: str) -> str:
    """Return the text of a small file; `language`: its reader's, which decides what no byte shows.

    Raises UnicodeDecodeError.
    """
    codec = marked_codec(content[:SAMPLE])
    if codec is not None:
        return content.decode(codec)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        japanese = language == "ja" and len(JAPANESE_LEADS.findall(content)) * 4 >= len(HIGH.findall(content))
        page = JAPANESE if japanese else code_page([content])
        if page is None:
            raise
        return content.decode(page)
