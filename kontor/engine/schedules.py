"""Schedules: a cron expression in a time zone enqueues a task, once per local slot for any number of schedulers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, assert_never
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kontor.engine.catalogue import ScheduleSpec
from kontor.engine.cron import Occurrence, latest_occurrences, next_occurrences
from kontor.engine.enqueue import JobRequest, Jobs
from kontor.kernel.states import MisfirePolicy
from models.control import Schedule, ScheduleOccurrence

MAX_CATCH_UP = 366
"""The largest number of missed occurrences that the policy `all` fires at once."""

SCHEDULER_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('kontor schedules'))")
NEVER = datetime.max.replace(tzinfo=ZoneInfo("UTC"))


def declare(session: Session, declared: Iterable[ScheduleSpec], now: datetime) -> None:
    """Update the table to the declared schedules; retire those no longer declared. Pauses are kept."""
    session.execute(SCHEDULER_LOCK)
    existing = {row.name: row for row in session.scalars(select(Schedule))}
    names = set()
    for spec in declared:
        names.add(spec.name)
        row = existing.get(spec.name)
        if row is None:
            _add(session, spec, now)
        elif not _is_unchanged(row, spec):
            _change(row, spec, now)
    for name in existing.keys() - names:
        existing[name].retired = True


def _is_unchanged(row: Schedule, spec: ScheduleSpec) -> bool:
    current = (row.cron, row.timezone, row.task, row.payload, row.misfire, row.retired)
    return current == (spec.cron, spec.timezone, spec.task, dict(spec.args), spec.misfire, False)


def _add(session: Session, spec: ScheduleSpec, now: datetime) -> None:
    values = {
        "name": spec.name,
        "cron": spec.cron,
        "timezone": spec.timezone,
        "task": spec.task,
        "payload": dict(spec.args),
        "misfire": spec.misfire,
        "checked_until": now,
        "expected_from": now,
        "next_at": next_due(spec.cron, spec.timezone, now),
    }
    session.execute(insert(Schedule).values(values).on_conflict_do_nothing())


def _change(row: Schedule, spec: ScheduleSpec, now: datetime) -> None:
    """Apply a changed declaration from now on: occurrences missed before are not fired."""
    row.cron, row.timezone, row.task = spec.cron, spec.timezone, spec.task
    row.payload, row.misfire, row.retired = dict(spec.args), spec.misfire, False
    row.checked_until = row.expected_from = now
    row.next_at = next_due(spec.cron, spec.timezone, now)


def reset_future(session: Session, now: datetime) -> None:
    """Reset schedules that were checked beyond `now`, after the first call of the test clock set it back."""
    for row in session.scalars(select(Schedule).where(Schedule.checked_until > now).with_for_update()):
        row.checked_until, row.next_at = now, next_due(row.cron, row.timezone, now)


def next_due(cron: str, timezone: str, after: datetime) -> datetime:
    """Return the next instant of a cron expression, NEVER when there is none."""
    occurrences = next_occurrences(cron, ZoneInfo(timezone), after, 1)
    return occurrences[0].due if occurrences else NEVER


def fire_due(session: Session, jobs: Jobs, now: datetime) -> int:
    """Fire due schedules in the caller's transaction; return how many jobs were enqueued."""
    due = select(Schedule).where(Schedule.next_at <= now, ~Schedule.retired).order_by(Schedule.next_at)
    rows = session.scalars(due.limit(100).with_for_update(skip_locked=True)).all()
    return sum(_fire(session, jobs, row, now) for row in rows)


def _fire(session: Session, jobs: Jobs, row: Schedule, now: datetime) -> int:
    occurrences = latest_occurrences(row.cron, ZoneInfo(row.timezone), row.checked_until, now, 2 * MAX_CATCH_UP)
    firing = decide_misfires(occurrences, MisfirePolicy(row.misfire), now, MAX_CATCH_UP)
    fired = 0
    if not row.paused:
        _skip(session, row, firing.skipped[-MAX_CATCH_UP:], now)
        for occurrence in firing.fire:
            if _record(session, row, occurrence, now):
                _enqueue_occurrence(session, jobs, row, occurrence)
                fired += 1
    row.checked_until = now
    row.next_at = next_due(row.cron, row.timezone, now)
    return fired


def _skip(session: Session, row: Schedule, skipped: Sequence[Occurrence], now: datetime) -> None:
    values = [_values(row, occurrence, now, skipped=True) for occurrence in skipped]
    if values:
        session.execute(insert(ScheduleOccurrence).on_conflict_do_nothing(), values)


def _record(session: Session, row: Schedule, occurrence: Occurrence, now: datetime) -> bool:
    """Record the occurrence; False when another scheduler has recorded it."""
    statement = insert(ScheduleOccurrence).values(_values(row, occurrence, now)).on_conflict_do_nothing()
    return session.execute(statement.returning(ScheduleOccurrence.slot)).first() is not None


def _values(row: Schedule, occurrence: Occurrence, now: datetime, *, skipped: bool = False) -> dict[str, object]:
    return {
        "schedule": row.name,
        "slot": occurrence.slot,
        "due_at": occurrence.due,
        "fired_at": now,
        "skipped": skipped,
    }


def _enqueue_occurrence(session: Session, jobs: Jobs, row: Schedule, occurrence: Occurrence) -> UUID:
    job_id = _enqueue_task(session, jobs, row, occurrence.due, f"schedule:{row.name}:{occurrence.slot}")
    occurrence_row = (ScheduleOccurrence.schedule == row.name, ScheduleOccurrence.slot == occurrence.slot)
    session.execute(update(ScheduleOccurrence).where(*occurrence_row).values(job_id=job_id))
    return job_id


def _enqueue_task(session: Session, jobs: Jobs, row: Schedule, due: datetime, effect_key: str | None) -> UUID:
    args = dict(row.payload)
    if "due" in jobs.catalogue[row.task].model_fields:
        args["due"] = due.isoformat()
    return jobs.enqueue_request(session, JobRequest(row.task, args, effect_key=effect_key)).id


def backfill(session: Session, jobs: Jobs, row: Schedule, occurrence: Occurrence) -> UUID | None:
    """Record a missing occurrence of a locked schedule and enqueue its job; None when it exists.

    The slot's effect key is permanent: a slot that ran before does not run again.
    """
    if not _record(session, row, occurrence, jobs.clock.now()):
        return None
    return _enqueue_occurrence(session, jobs, row, occurrence)


def run_now(session: Session, jobs: Jobs, row: Schedule, now: datetime) -> UUID:
    """Enqueue a schedule's task outside its slots."""
    return _enqueue_task(session, jobs, row, now, None)


GRACE: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class MisfireDecision:
    """Occurrences to run now, oldest first, and occurrences to record as skipped."""

    fire: tuple[Occurrence, ...]
    skipped: tuple[Occurrence, ...]


def decide_misfires(
    missed: Sequence[Occurrence],
    policy: MisfirePolicy,
    now: datetime,
    bound: int,
    grace: timedelta = GRACE,
) -> MisfireDecision:
    """Split the occurrences due by `now` (oldest first) by the schedule's policy.

    An occurrence up to `grace` late is on time. Under `all`, at most the newest `bound` fire.
    """
    due = [occurrence for occurrence in missed if occurrence.due <= now]
    match policy:
        case MisfirePolicy.SKIP:
            first = next((i for i, each in enumerate(due) if now - each.due <= grace), len(due))
        case MisfirePolicy.ONCE:
            first = len(due) - 1
        case MisfirePolicy.ALL:
            first = len(due) - bound
        case _:
            assert_never(policy)
    first = max(0, first)
    return MisfireDecision(tuple(due[first:]), tuple(due[:first]))
