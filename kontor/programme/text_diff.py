"""The difference of two texts, as people read it before a file is applied."""

from collections.abc import Sequence
from difflib import unified_diff
from typing import Final

CONTEXT: Final = 2
"""Unchanged lines shown around a change."""


def diff_lines(before: str, after: str) -> Sequence[str]:
    """Return the changed lines with their mark: `-` gone, `+` new, ` ` around them, `@` where they stand."""
    lines = unified_diff(before.splitlines(), after.splitlines(), n=CONTEXT, lineterm="")
    return list(lines)[2:]
