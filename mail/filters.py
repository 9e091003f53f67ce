"""Filters for the mail templates."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from markupsafe import Markup, escape

from domain.calling import failure_cause

_TERM_PART = re.compile(r"(\d+)([YMWD])")


def breaks(text: str) -> Markup:
    """Escape text and keep its line breaks."""
    return Markup("<br>\n").join(escape(line) for line in text.split("\n"))


def term(text: str) -> date | list[tuple[int, str]]:
    """Return the end date of a term, or its parts as (number, unit); the unit is `Y`, `M`, `W` or `D`."""
    if not text.startswith("P"):
        return date.fromisoformat(text)
    return [(int(number), unit) for number, unit in _TERM_PART.findall(text)]


FILTERS: Mapping[str, Callable[..., Any]] = {"breaks": breaks, "cause": failure_cause, "term": term}
