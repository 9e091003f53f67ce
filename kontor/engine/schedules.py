"""Schedules: a cron expression in a time zone enqueues a task, once per local slot for any number of schedulers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, assert_never
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kontor.engine import schedule_rows
from kontor.engine.catalogue import ScheduleSpec
from kontor.engine.cron import Occurrence, latest_occurrences
from kontor.engine.enqueue import JobRequest, Jobs
from kontor.engine.schedule_rows import digest_of, is_newer, next_due, next_due_or_now
from kontor.kernel.states import MisfirePolicy
from models.control import Schedule, ScheduleOccurrence

MAX_CATCH_UP = 366
"""The largest number of missed occurrences that the policy `all` fires at once."""

REVIVAL: Final = timedelta(hours=1)
"""An equal schedule that is declared again this soon goes on where it stopped."""

OWNERSHIP: Final = timedelta(days=1)
"""How long an older release leaves a schedule alone after a newer one declared it."""

STAMP: Final = timedelta(hours=1)
ANY_RELEASE: Final = "0"
GRACE: Final = timedelta(seconds=60)

DeclaredRow = Row[*tuple[Any, ...]]
SCHEDULER_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('kontor schedules'))")
SKIP: Final = text("""
INSERT INTO schedule_occurrences (schedule, slot, due_at, fired_at, skipped)
SELECT :schedule, slot, due_at, :now, true
FROM unnest(CAST(:slots AS text[]), CAST(:due AS timestamptz[])) AS missed (slot, due_at)
ON CONFLICT DO NOTHING
""")
DECLARED = (
    Schedule.name, Schedule.cron, Schedule.timezone, Schedule.task, Schedule.payload, Schedule.misfire,
    Schedule.retired, Schedule.release, Schedule.declaration, Schedule.declared_at, Schedule.retired_at,
)  # fmt: skip


def declare(session: Session, declared: Iterable[ScheduleSpec], now: datetime, release: str = ANY_RELEASE) -> None:
    """Update the table to the schedules that a release declares; retire those it dropped. Pauses are kept.

    What a newer release declared is left alone. A schedule that fails is marked and stops no other.
    """
    session.execute(SCHEDULER_LOCK)
    existing = {row.name: row for row in session.execute(select(*DECLARED))}
    names = set()
    for spec in declared:
        names.add(spec.name)
        try:
            with schedule_rows.isolated(session):
                _declare(session, existing.get(spec.name), spec, now, release)
        except Exception as error:
            if schedule_rows.is_of_the_server(error):
                raise
            schedule_rows.mark_failed(session, spec.name, schedule_rows.describe(error), now)
    dropped = [row for name, row in existing.items() if name not in names and not is_newer(row.release, release)]
    for row in dropped:
        if not row.retired or row.retired_at is None:
            _set(session, row.name, retired=True, retired_at=now)
    _mark_unreadable(session, now, release)


def _declare(session: Session, row: DeclaredRow | None, spec: ScheduleSpec, now: datetime, release: str) -> None:
    """Declare one schedule, unless a newer release does."""
    if row is None:
        _add(session, spec, now, release)
        return
    if is_newer(row.release, release) and row.declared_at is not None and now - row.declared_at < OWNERSHIP:
        return
    if not _is_unchanged(row, spec):
        _change(session, row, spec, now)
    stamped = row.declared_at is not None and timedelta(0) <= now - row.declared_at < STAMP
    digest = digest_of(spec)
    if not stamped or (row.release, row.declaration) != (release, digest):
        _set(session, spec.name, release=release, declaration=digest, declared_at=now)


def _is_unchanged(row: DeclaredRow, spec: ScheduleSpec) -> bool:
    return _is_equal(row, spec) and not row.retired


def _is_equal(row: DeclaredRow, spec: ScheduleSpec) -> bool:
    current = (row.cron, row.timezone, row.task, row.payload, row.misfire)
    return current == (spec.cron, spec.timezone, spec.task, dict(spec.args), spec.misfire)


def _add(session: Session, spec: ScheduleSpec, now: datetime, release: str) -> None:
    values = {
        "name": spec.name,
        **_columns(spec),
        "checked_until": now,
        "expected_from": now,
        "next_at": next_due_or_now(spec.cron, spec.timezone, now),
        "release": release,
        "declaration": digest_of(spec),
        "declared_at": now,
    }
    session.execute(insert(Schedule).values(values).on_conflict_do_nothing())


def _columns(spec: ScheduleSpec) -> dict[str, object]:
    return {
        "cron": spec.cron,
        "timezone": spec.timezone,
        "task": spec.task,
        "payload": dict(spec.args),
        "misfire": spec.misfire,
    }


def _change(session: Session, row: DeclaredRow, spec: ScheduleSpec, now: datetime) -> None:
    """Apply a declaration: a changed one from now on, one that an older release undid from where it stopped."""
    _set(session, row.name, **_columns(spec), retired=False, retired_at=None, error=None, failed_at=None)
    revived = row.retired_at is None or now - row.retired_at < REVIVAL
    if _is_equal(row, spec) and revived:
        return
    if row.declaration == digest_of(spec) and not row.retired:
        checked = session.scalars(select(Schedule.checked_until).where(Schedule.name == row.name)).one()
        checked = max(checked - GRACE, row.declared_at)
        _set(session, row.name, checked_until=checked, next_at=next_due_or_now(spec.cron, spec.timezone, checked))
        return
    due = next_due_or_now(spec.cron, spec.timezone, now)
    _set(session, row.name, checked_until=now, expected_from=now, next_at=due)


def _set(session: Session, name: str, **values: object) -> None:
    session.execute(update(Schedule).where(Schedule.name == name).values(values))


def _mark_unreadable(session: Session, now: datetime, release: str) -> None:
    """Mark schedules that could not fire when they are due, and clear the mark of those that can again."""
    columns = (Schedule.name, Schedule.cron, Schedule.timezone, Schedule.release, Schedule.error)
    query = select(*columns, Schedule.next_at > now).where(~Schedule.retired)
    for name, cron, timezone, declared_by, error, is_waiting in session.execute(query).all():
        reason = schedule_rows.why_unreadable(cron, timezone)
        if reason is not None and reason != error and not is_newer(declared_by, release):
            schedule_rows.mark_failed(session, name, reason, now)
        elif reason is None and error is not None and is_waiting:
            schedule_rows.mark_well(session, name)


def fire_due(session: Session, jobs: Jobs, now: datetime, release: str = ANY_RELEASE) -> int:
    """Fire due schedules in the caller's transaction; return how many jobs were enqueued.

    A schedule that fails is marked with its error and stops no other.
    """
    schedule_rows.reset_future(session, now, schedule_rows.AHEAD)
    fired = 0
    for name, declared_by in schedule_rows.due_names(session, now):
        try:
            with schedule_rows.isolated(session):
                fired += _fire_locked(session, jobs, name, now, release)
        except Exception as error:
            if schedule_rows.is_of_the_server(error):
                raise
            if not is_newer(declared_by, release):
                schedule_rows.mark_failed(session, name, schedule_rows.describe(error), now)
    return fired


def _fire_locked(session: Session, jobs: Jobs, name: str, now: datetime, release: str) -> int:
    """Fire one schedule, unless another scheduler has it or only a newer release has its task."""
    due = select(Schedule).where(Schedule.name == name, Schedule.next_at <= now, ~Schedule.retired)
    row = session.scalar(due.with_for_update(skip_locked=True).execution_options(populate_existing=True))
    if row is None or (row.task not in jobs.catalogue and is_newer(row.release, release)):
        return 0
    fired = _fire(session, jobs, row, now)
    row.error = row.failed_at = None
    return fired


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
    if skipped:
        slots = [occurrence.slot for occurrence in skipped]
        due = [occurrence.due for occurrence in skipped]
        session.execute(SKIP, {"schedule": row.name, "slots": slots, "due": due, "now": now})


def _record(session: Session, row: Schedule, occurrence: Occurrence, now: datetime) -> bool:
    """Record the occurrence; False when another scheduler has recorded it."""
    statement = insert(ScheduleOccurrence).values(_values(row, occurrence, now)).on_conflict_do_nothing()
    return session.execute(statement.returning(ScheduleOccurrence.slot)).first() is not None


def _values(row: Schedule, occurrence: Occurrence, now: datetime) -> dict[str, object]:
    return {
        "schedule": row.name,
        "slot": occurrence.slot,
        "due_at": occurrence.due,
        "fired_at": now,
        "skipped": False,
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
