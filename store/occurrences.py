"""Queries of schedule occurrences."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import cast, func, select, true
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Session, aliased

from models.control import Schedule, ScheduleOccurrence

SHOWN: Final = 12


def overdue(session: Session, before: datetime) -> list[Schedule]:
    """Return the schedules that were due before an instant and have not fired."""
    conditions = (Schedule.next_at < before, ~Schedule.paused, ~Schedule.retired)
    return list(session.scalars(select(Schedule).where(*conditions).order_by(Schedule.next_at)))


def last(session: Session, names: Sequence[str], count: int = SHOWN) -> dict[str, list[ScheduleOccurrence]]:
    """Return the last occurrences of each schedule, newest first."""
    names_table = select(func.unnest(cast(list(names), ARRAY(TEXT))).label("name")).subquery()
    newest = (
        select(ScheduleOccurrence)
        .where(ScheduleOccurrence.schedule == names_table.c.name)
        .order_by(ScheduleOccurrence.due_at.desc())
        .limit(count)
        .lateral()
    )
    row = aliased(ScheduleOccurrence, newest)
    by_schedule: dict[str, list[ScheduleOccurrence]] = {name: [] for name in names}
    for occurrence in session.scalars(select(row).select_from(names_table).join(row, true())):
        by_schedule[occurrence.schedule].append(occurrence)
    return by_schedule
