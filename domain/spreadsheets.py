"""What a spreadsheet program must not take for a formula."""

from typing import Final

FORMULA_SIGNS: Final = frozenset("=+-@＝＋－＠")
"""Signs that start a formula."""
SKIPPED: Final = " \t\r\n\u00a0\u3000"
"""What programs skip before they look for such a sign."""


def harmless(text: str) -> str:
    """Text for a cell of a CSV file; what would be a formula gets an apostrophe in front.

    The apostrophe is what a person would type to say "this is text" (programme.md 2.9).
    """
    behind = text.lstrip(SKIPPED)
    if behind[:1] in FORMULA_SIGNS or text[:1] in {"\t", "\r", "\n"}:
        return f"'{text}"
    return text
