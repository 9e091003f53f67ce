"""How a name looks: names that people take for each other share a key (Unicode TS #39, skeletons)."""

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

IGNORABLE: Final = frozenset(
    code
    for first, last in (
        (0x00AD, 0x00AD),
        (0x034F, 0x034F),
        (0x061C, 0x061C),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x200B, 0x200F),
        (0x202A, 0x202E),
        (0x2060, 0x206F),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFEFF, 0xFEFF),
        (0xFFA0, 0xFFA0),
        (0xFFF0, 0xFFF8),
        (0x1BCA0, 0x1BCA3),
        (0x1D173, 0x1D17A),
        (0xE0000, 0xE0FFF),
    )
    for code in range(first, last + 1)
)
"""The code points that nothing is drawn for (Unicode property Default_Ignorable_Code_Point)."""


def looks_key(name: str) -> str:
    """Return the key that names share when they look alike: case, compatibility forms and white space are ignored.

    The skeleton of TS #39 over the case-folded NFKC form. Its prototypes may be capitals, so it is folded again; small
    letters whose capitals look like Latin ones count as these.
    """
    skeleton = _skeleton(" ".join(_folded(name).split()))
    return "".join(latin_capitals().get(char, char) for char in skeleton)


def _skeleton(folded: str) -> str:
    return _folded("".join(prototypes().get(char, char) for char in unicodedata.normalize("NFD", folded)))


def _folded(text: str) -> str:
    """Return the case-folded NFKC form without code points that nothing is drawn for."""
    visible = "".join(char for char in text if ord(char) not in IGNORABLE)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())
    return "".join(char for char in folded if ord(char) not in IGNORABLE)


@lru_cache(maxsize=1)
def prototypes() -> Mapping[str, str]:
    """Return the characters that look like others, with the text that stands for all of them."""
    lines = (Path(__file__).parent / "confusables.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split(";") for line in lines if not line.startswith("#"))
    return {chr(int(source, 16)): "".join(chr(int(code, 16)) for code in text.split()) for source, text in pairs}


@lru_cache(maxsize=1)
def latin_capitals() -> Mapping[str, str]:
    """Return what small letters look like whose capitals look like Latin ones, by their skeletons.

    Folding alone would lose that a Cyrillic capital K looks like K, since its small form does not.
    """
    capitals = ((char, latin) for char, latin in prototypes().items() if char.isupper() and latin.isupper())
    pairs = ((_skeleton(_folded(char)), latin) for char, latin in capitals if latin.isascii() and len(latin) == 1)
    return {small: _skeleton(_folded(latin)) for small, latin in pairs if len(small) == 1 and not small.isascii()}
