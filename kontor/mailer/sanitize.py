"""Sanitizes text from people before it reaches a header, a page or a terminal."""

import re

_BIDI = "\u202a-\u202e\u2066-\u2069"
_INVISIBLE = "\ufeff\u180e\ufff9-\ufffb\U000e0000-\U000e007f"
_CONTROL = "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"
_HARMFUL = re.compile(f"[{_BIDI}{_INVISIBLE}{_CONTROL}]")
_BREAK = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACES = re.compile(r"\s+")
_BREAKABLE_SPACES = re.compile(r"[^\S\u00a0\u202f]+")
_MANY_BREAKS = re.compile(r"\n{4,}")


def one_line(text: str) -> str:
    """Drop controls and bidi overrides; collapse each run of white space into one space."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    text = _SURROGATE.sub("\ufffd", _BREAK.sub(" ", text))
    return _SPACES.sub(" ", _HARMFUL.sub("", text)).strip()


def typeset_line(text: str) -> str:
    """Do the same as `one_line`, but keep no-break spaces: for our own rendered text."""
    text = _SURROGATE.sub("\ufffd", _BREAK.sub(" ", text))
    return _BREAKABLE_SPACES.sub(" ", _HARMFUL.sub("", text)).strip()


def many_lines(text: str) -> str:
    """Keep line breaks (as LF) and tabs; drop other controls and bidi overrides."""
    text = _SURROGATE.sub("\ufffd", _BREAK.sub("\n", text))
    return _MANY_BREAKS.sub("\n\n\n", _HARMFUL.sub("", text)).strip("\n")
