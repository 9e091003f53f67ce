"""Spans of time by which lists are filtered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # the relay loads no SQLAlchemy
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import InstrumentedAttribute


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """From `after`, included, to before `before`; None: without that end."""

    after: datetime | None = None
    before: datetime | None = None

    def conditions(self, column: InstrumentedAttribute[datetime]) -> list[ColumnElement[bool]]:
        """Return the conditions of rows whose instant lies within."""
        start = [] if self.after is None else [column >= self.after]
        return start if self.before is None else [*start, column < self.before]


ANY_TIME: Final = TimeSpan()
