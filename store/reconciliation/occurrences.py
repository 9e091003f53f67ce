"""Queries of schedules and their occurrences, to find missed runs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.control import Schedule, ScheduleOccurrence


def watched(session: Session) -> list[Schedule]:
    """Return the schedules that are expected to fire."""
    query = select(Schedule).where(~Schedule.retired, ~Schedule.paused, Schedule.expected_from.is_not(None))
    return list(session.scalars(query.order_by(Schedule.name)))


def slots(session: Session, since: datetime) -> set[tuple[str, str]]:
    """Return (schedule, slot) of every occurrence due after an instant, including skipped ones."""
    query = select(ScheduleOccurrence.schedule, ScheduleOccurrence.slot).where(ScheduleOccurrence.due_at > since)
    return {(row[0], row[1]) for row in session.execute(query)}


def has(session: Session, schedule: str, slot: str) -> bool:
    """Whether a schedule has an occurrence for a slot."""
    return session.get(ScheduleOccurrence, (schedule, slot)) is not None


def schedule(session: Session, name: str) -> Schedule | None:
    """Return one schedule, locked."""
    query = select(Schedule).where(Schedule.name == name, ~Schedule.retired).with_for_update()
    return session.scalars(query).one_or_none()
