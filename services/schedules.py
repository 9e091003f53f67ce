"""Schedules with their last and next runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from domain.cron import next_occurrences
from models.control import Schedule, ScheduleOccurrence

SHOWN = 12


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """A schedule, its last occurrence (including skipped ones) and its next twelve runs, UTC."""

    schedule: Schedule
    last: ScheduleOccurrence | None
    next: Sequence[datetime]


def listed(session: Session, now: datetime) -> list[ScheduleView]:
    """Return all schedules by name."""
    schedules = session.scalars(select(Schedule).where(~Schedule.retired).order_by(Schedule.name)).all()
    last = _last(session)
    return [ScheduleView(row, last.get(row.name), _next(row, now)) for row in schedules]


def one(session: Session, name: str, now: datetime) -> ScheduleView | None:
    """Return one schedule; None when there is none with that name."""
    return next((view for view in listed(session, now) if view.schedule.name == name), None)


def _next(row: Schedule, now: datetime) -> list[datetime]:
    upcoming = next_occurrences(row.cron, ZoneInfo(row.timezone), max(now, row.checked_until), SHOWN)
    return [occurrence.due for occurrence in upcoming]


def _last(session: Session) -> dict[str, ScheduleOccurrence]:
    newest = (
        select(ScheduleOccurrence)
        .ext(distinct_on(ScheduleOccurrence.schedule))
        .order_by(ScheduleOccurrence.schedule, ScheduleOccurrence.due_at.desc(), ScheduleOccurrence.slot.desc())
    )
    return {row.schedule: row for row in session.scalars(newest)}
