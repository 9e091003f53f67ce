"""SQL of what schedules fired."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import cast, func, select, true
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Session, aliased

from models.control import Schedule, ScheduleOccurrence

SHOWN: Final = 12


def overdue(session: Session, before: datetime) -> list[Schedule]:
    """The schedules that should have fired before that instant and did not."""
    late = (Schedule.next_at < before, ~Schedule.paused, ~Schedule.retired)
    return list(session.scalars(select(Schedule).where(*late).order_by(Schedule.next_at)))


def last(session: Session, names: Sequence[str], count: int = SHOWN) -> dict[str, list[ScheduleOccurrence]]:
    """The last occurrences of each schedule, newest first."""
    wanted = select(func.unnest(cast(list(names), ARRAY(TEXT))).label("name")).subquery()
    newest = (
        select(ScheduleOccurrence)
        .where(ScheduleOccurrence.schedule == wanted.c.name)
        .order_by(ScheduleOccurrence.due_at.desc())
        .limit(count)
        .lateral()
    )
    row = aliased(ScheduleOccurrence, newest)
    found: dict[str, list[ScheduleOccurrence]] = {name: [] for name in names}
    for one in session.scalars(select(row).select_from(wanted).join(row, true())):
        found[one.schedule].append(one)
    return found
