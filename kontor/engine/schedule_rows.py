"""Rows of schedules: whose they are, what fails in them, and slots that were processed ahead of time."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from psycopg.errors import DeadlockDetected, LockNotAvailable, OperationalError, QueryCanceled
from sqlalchemy import func, or_, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from kontor.engine.catalogue import ScheduleSpec
from kontor.engine.cron import next_occurrences
from kontor.kernel.database import PgConnection
from models.control import Schedule

log = structlog.get_logger(__name__)

NEVER: Final = datetime(9999, 1, 1, tzinfo=ZoneInfo("UTC"))
AHEAD: Final = timedelta(seconds=60)
"""Slots this far in the future were processed by a clock that had jumped."""

HAS_WORK: Final = """
SELECT EXISTS (SELECT FROM schedules WHERE (next_at <= %(now)s AND NOT retired) OR checked_until > %(limit)s
    OR NOT isfinite(checked_until) OR NOT isfinite(next_at))
"""
RETRY: Final = timedelta(seconds=10)
UNREADABLE: Final = (KeyError, ValueError, OSError, OverflowError)
"""What an unknown zone or a bad cron expression raises."""

MAX_DUE: Final = 1_000
MAX_ERROR: Final = 500
LOOK_BACK: Final = timedelta(hours=1)
"""What a clock that had jumped may have passed over; a slot that fired is recorded and does not fire again."""

AHEAD_OF_TIME: Final = "schedule = :name AND fired_at > :limit AND (due_at > :now OR skipped)"
FORGET_KEYS: Final = text(f"""
DELETE FROM once_keys WHERE key IN (
    SELECT 'schedule:' || schedule || ':' || slot FROM schedule_occurrences WHERE {AHEAD_OF_TIME})
""")  # noqa: S608 -- constants
FORGET_OCCURRENCES: Final = text(f"DELETE FROM schedule_occurrences WHERE {AHEAD_OF_TIME}")  # noqa: S608 -- constants


def is_newer(release: str | None, than: str) -> bool:
    """Whether a release is newer, by its first three numbers; None is older than all."""
    return _numbers(release or "") > _numbers(than)


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(digits) for digits in re.findall(r"\d+", release)[:3])


def digest_of(spec: ScheduleSpec) -> str:
    """Return the digest of a declaration, the same in every release."""
    parts = [spec.cron, spec.timezone, spec.task, dict(spec.args), spec.misfire.value]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def next_due(cron: str, timezone: str, after: datetime) -> datetime:
    """Return the next instant of a cron expression, NEVER when there is none."""
    occurrences = next_occurrences(cron, ZoneInfo(timezone), after, 1)
    return occurrences[0].due if occurrences else NEVER


def next_due_or_now(cron: str, timezone: str, after: datetime) -> datetime:
    """Return `next_due`, and `after` for a schedule that cannot be read: firing it records why."""
    try:
        return next_due(cron, timezone, after)
    except UNREADABLE:
        return after


def why_unreadable(cron: str, timezone: str) -> str | None:
    """Return why a schedule has no next instant; None when it has one."""
    try:
        next_occurrences(cron, ZoneInfo(timezone), datetime(2000, 1, 1, tzinfo=ZoneInfo("UTC")), 1)
    except UNREADABLE as error:
        return describe(error)
    return None


@contextmanager
def isolated(session: Session) -> Iterator[None]:
    """Run a block in a savepoint: what it did before an error is undone, and the transaction goes on."""
    with session.connection().begin_nested():
        is_complete = False
        try:
            yield
            session.flush()
            is_complete = True
        finally:
            if not is_complete:
                session.expunge_all()


def is_of_the_server(error: Exception) -> bool:
    """Whether an error concerns PostgreSQL as a whole rather than one row: connection lost, read-only, disk full."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, LockNotAvailable | DeadlockDetected | QueryCanceled):
        return False
    return isinstance(cause, OperationalError) or getattr(cause, "sqlstate", None) == "25006"


def describe(error: Exception) -> str:
    """Return one line about an error."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return f"{type(cause).__name__}: {' '.join(str(cause).split())}"[:MAX_ERROR]


def mark_failed(session: Session, name: str, error: str, now: datetime) -> None:
    """Record why a schedule does not fire."""
    log.error("schedule.failed", schedule=name, error=error)
    session.execute(update(Schedule).where(Schedule.name == name).values(error=error, failed_at=now))


def mark_well(session: Session, name: str) -> None:
    """Clear the error of a schedule."""
    session.execute(update(Schedule).where(Schedule.name == name).values(error=None, failed_at=None))


def has_work(connection: PgConnection, now: datetime) -> bool:
    """Whether a schedule is due or was processed ahead of time: what a pass finds, for the price of one statement."""
    row = connection.execute(HAS_WORK, {"now": now, "limit": now + AHEAD}).fetchone()
    return row is not None and bool(row[0])


def due_names(session: Session, now: datetime) -> list[tuple[str, str | None]]:
    """Return (name, release) of due schedules, those that failed last; they are tried again after ten seconds."""
    rested = or_(Schedule.failed_at.is_(None), Schedule.failed_at <= now - RETRY, Schedule.failed_at > now)
    query = select(Schedule.name, Schedule.release).where(Schedule.next_at <= now, ~Schedule.retired, rested)
    query = query.order_by(Schedule.failed_at.nulls_first(), Schedule.next_at).limit(MAX_DUE)
    return [(name, release) for name, release in session.execute(query)]


def reset_future(session: Session, now: datetime, ahead: timedelta = timedelta(0)) -> int:
    """Reset schedules that were processed more than `ahead` beyond `now`; return how many.

    What a clock that had jumped recorded is deleted unless it was due and fired, so that each slot fires on its day.
    """
    limit = now + ahead
    infinite = ~func.isfinite(Schedule.checked_until) | ~func.isfinite(Schedule.next_at)
    declared = func.least(func.coalesce(Schedule.expected_from, now), now)
    checked = func.greatest(declared, now - LOOK_BACK, type_=Schedule.checked_until.type)
    query = select(Schedule.name, Schedule.cron, Schedule.timezone, checked)
    query = query.where((Schedule.checked_until > limit) | infinite)
    rows = session.execute(query.with_for_update(skip_locked=True)).all()
    for name, cron, timezone, checked_until in rows:
        log.warning("schedule.reset", schedule=name, remedy="a clock had jumped ahead; its slots fire on their day")
        values = {"name": name, "now": now, "limit": limit}
        session.execute(FORGET_KEYS, values)
        session.execute(FORGET_OCCURRENCES, values)
        due = next_due_or_now(cron, timezone, checked_until)
        changed = {"checked_until": checked_until, "next_at": due, "expected_from": func.least(declared, now)}
        session.execute(update(Schedule).where(Schedule.name == name).values(changed))
    return len(rows)
