"""Escaping of text that a spreadsheet program would take for a formula."""

from typing import Final

FORMULA_SIGNS: Final = frozenset("=+-@＝＋－＠")
"""Characters that start a formula."""
SKIPPED: Final = " \t\r\n\u00a0\u3000"
"""Characters that programs skip before they look for such a character."""


def harmless(text: str) -> str:
    """Return text for a CSV cell; a text that would be a formula gets a leading apostrophe.

    The apostrophe marks the cell as text, as when typed by a person (programme.md 2.9).
    """
    stripped = text.lstrip(SKIPPED)
    if stripped[:1] in FORMULA_SIGNS or text[:1] in {"\t", "\r", "\n"}:
        return f"'{text}"
    return text
