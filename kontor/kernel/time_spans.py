"""Spans of time by which lists are filtered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, TypeVar

C_co = TypeVar("C_co", covariant=True)


class Ordered(Protocol[C_co]):
    """What is compared with an instant: a column, whose comparison is a condition."""

    def __ge__(self, other: datetime, /) -> C_co:
        """At or after an instant."""

    def __lt__(self, other: datetime, /) -> C_co:
        """Before an instant."""


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """From `after`, included, to before `before`; None: without that end."""

    after: datetime | None = None
    before: datetime | None = None

    def conditions(self, column: Ordered[C_co]) -> list[C_co]:
        """Return the conditions of rows whose instant lies within."""
        start = [] if self.after is None else [column >= self.after]
        return start if self.before is None else [*start, column < self.before]


ANY_TIME: Final = TimeSpan()
