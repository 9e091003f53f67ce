"""Schedules: a cron expression in a zone enqueues a task, each local slot once, however many schedulers run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.cron import Occurrence, latest_occurrences, next_occurrences
from domain.misfire import MisfirePolicy, to_fire
from engine.enqueue import Jobs, Request
from models.control import Schedule, ScheduleOccurrence

BOUND = 366
"""The most occurrences that the policy `all` makes up for at once."""

TURN = text("SELECT pg_advisory_xact_lock(hashtext('kontor schedules'))")
FAR = datetime.max.replace(tzinfo=ZoneInfo("UTC"))


@dataclass(frozen=True, slots=True)
class Declared:
    """A schedule as code and programmes declare it. A task with a field `due` is given the instant."""

    name: str
    cron: str
    timezone: str
    task: str
    misfire: MisfirePolicy
    args: Mapping[str, Any] = field(default_factory=dict)


def declare(session: Session, declared: Iterable[Declared], now: datetime) -> None:
    """Make the table say what is declared; what is declared no more is retired. Pauses stay."""
    session.execute(TURN)
    known = {row.name: row for row in session.scalars(select(Schedule))}
    names = set()
    for item in declared:
        names.add(item.name)
        row = known.get(item.name)
        if row is None:
            _add(session, item, now)
        elif not _same(row, item):
            _change(row, item, now)
    for name in known.keys() - names:
        known[name].retired = True


def _same(row: Schedule, item: Declared) -> bool:
    told = (row.cron, row.timezone, row.task, row.payload, row.misfire, row.retired)
    return told == (item.cron, item.timezone, item.task, dict(item.args), item.misfire, False)


def _add(session: Session, item: Declared, now: datetime) -> None:
    values = {
        "name": item.name,
        "cron": item.cron,
        "timezone": item.timezone,
        "task": item.task,
        "payload": dict(item.args),
        "misfire": item.misfire,
        "checked_until": now,
        "expected_from": now,
        "next_at": next_due(item.cron, item.timezone, now),
    }
    session.execute(insert(Schedule).values(values).on_conflict_do_nothing())


def _change(row: Schedule, item: Declared, now: datetime) -> None:
    """A changed schedule counts from now on: what the old one missed is not made up for."""
    row.cron, row.timezone, row.task = item.cron, item.timezone, item.task
    row.payload, row.misfire, row.retired = dict(item.args), item.misfire, False
    row.checked_until = row.expected_from = now
    row.next_at = next_due(item.cron, item.timezone, now)


def rewind(session: Session, now: datetime) -> None:
    """A clock that was set back by its first call counts from there; what was decided of later days is not over."""
    for row in session.scalars(select(Schedule).where(Schedule.checked_until > now).with_for_update()):
        row.checked_until, row.next_at = now, next_due(row.cron, row.timezone, now)


def next_due(cron: str, timezone: str, after: datetime) -> datetime:
    """The next instant of a cron expression; the end of time for one that never comes."""
    found = next_occurrences(cron, ZoneInfo(timezone), after, 1)
    return found[0].due if found else FAR


def fire_due(session: Session, jobs: Jobs, now: datetime) -> int:
    """Fire what is due in the caller's transaction; returns how many jobs were enqueued."""
    due = select(Schedule).where(Schedule.next_at <= now, ~Schedule.retired).order_by(Schedule.next_at)
    rows = session.scalars(due.limit(100).with_for_update(skip_locked=True)).all()
    return sum(_fire(session, jobs, row, now) for row in rows)


def _fire(session: Session, jobs: Jobs, row: Schedule, now: datetime) -> int:
    found = latest_occurrences(row.cron, ZoneInfo(row.timezone), row.checked_until, now, 2 * BOUND)
    firing = to_fire(found, MisfirePolicy(row.misfire), now, BOUND)
    fired = 0
    if not row.paused:
        _skip(session, row, firing.skipped[-BOUND:], now)
        for occurrence in firing.fire:
            if _write(session, row, occurrence, now):
                _enqueue(session, jobs, row, occurrence)
                fired += 1
    row.checked_until = now
    row.next_at = next_due(row.cron, row.timezone, now)
    return fired


def _skip(session: Session, row: Schedule, left_out: Sequence[Occurrence], now: datetime) -> None:
    values = [_values(row, occurrence, now, skipped=True) for occurrence in left_out]
    if values:
        session.execute(insert(ScheduleOccurrence).on_conflict_do_nothing(), values)


def _write(session: Session, row: Schedule, occurrence: Occurrence, now: datetime) -> bool:
    """Write the occurrence down; False when another scheduler had it."""
    statement = insert(ScheduleOccurrence).values(_values(row, occurrence, now)).on_conflict_do_nothing()
    return session.execute(statement.returning(ScheduleOccurrence.slot)).first() is not None


def _values(row: Schedule, occurrence: Occurrence, now: datetime, *, skipped: bool = False) -> dict[str, Any]:
    return {
        "schedule": row.name,
        "slot": occurrence.slot,
        "due_at": occurrence.due,
        "fired_at": now,
        "skipped": skipped,
    }


def _enqueue(session: Session, jobs: Jobs, row: Schedule, occurrence: Occurrence) -> UUID:
    job_id = _put(session, jobs, row, occurrence.due, f"schedule:{row.name}:{occurrence.slot}")
    mine = (ScheduleOccurrence.schedule == row.name, ScheduleOccurrence.slot == occurrence.slot)
    session.execute(update(ScheduleOccurrence).where(*mine).values(job_id=job_id))
    return job_id


def _put(session: Session, jobs: Jobs, row: Schedule, due: datetime, once_key: str | None) -> UUID:
    args = dict(row.payload)
    if "due" in jobs.catalogue[row.task].model_fields:
        args["due"] = due.isoformat()
    return jobs.put(session, Request(row.task, args, once_key=once_key)).id


def make_up(session: Session, jobs: Jobs, row: Schedule, occurrence: Occurrence) -> UUID | None:
    """Write a missing occurrence of a locked schedule and enqueue its job; None when it is there.

    The slot's key holds for ever: what ran before does not run again.
    """
    if not _write(session, row, occurrence, jobs.clock.now()):
        return None
    return _enqueue(session, jobs, row, occurrence)


def run_now(session: Session, jobs: Jobs, row: Schedule, now: datetime) -> UUID:
    """Enqueue a schedule's task outside its slots."""
    return _put(session, jobs, row, now, None)
