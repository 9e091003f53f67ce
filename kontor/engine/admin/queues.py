"""Queues and schedules for operators: counts that stay cheap with a million jobs, pause, resume, limits."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from psycopg import sql
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from kontor import audit
from kontor.audit import Actor
from kontor.engine.cron import next_occurrences
from kontor.engine.dead_jobs import dead_jobs
from kontor.engine.enqueue import Jobs, ring_after_commit
from kontor.engine.schedule_rows import UNREADABLE, describe
from kontor.kernel.database import PgConnection, lock_limit, psycopg_connection
from kontor.kernel.errors import FieldError, Invalid, NotFound
from kontor.kernel.states import JobState
from models.control import Queue, Schedule, ScheduleOccurrence, WorkerProcess

HELD = "held"


@dataclass(frozen=True, slots=True)
class QueueView:
    """A queue. `queued` includes jobs held by their lane; `estimated`: a count has reached its bound."""

    name: str
    paused: bool
    scheduled: int
    queued: int
    running: int
    retrying: int
    dead: int
    oldest_queued_seconds: float | None
    estimated: bool


def list_queues(session: Session, names: Iterable[str], now: datetime) -> list[QueueView]:
    """Return all queues by name, including empty ones."""
    ordered = sorted(names)
    connection = psycopg_connection(session)
    paused_queues = paused(connection)
    by_state = {(row.queue, row.state): row for row in queue_counts(connection, ordered)}

    def count(name: str, state: str) -> int:
        row = by_state.get((name, state))
        return 0 if row is None else row.count

    def view(name: str) -> QueueView:
        instants = [by_state[name, state].oldest for state in ("queued", HELD) if (name, state) in by_state]
        oldest = min((instant for instant in instants if instant is not None), default=None)
        counts = [row.count for row in by_state.values() if row.queue == name]
        return QueueView(
            name=name,
            paused=name in paused_queues,
            scheduled=count(name, "scheduled"),
            queued=count(name, "queued") + count(name, HELD),
            running=count(name, "running"),
            retrying=count(name, "retrying"),
            dead=count(name, "dead"),
            oldest_queued_seconds=None if oldest is None else max(0.0, (now - oldest).total_seconds()),
            estimated=any(number >= BOUND for number in counts),
        )

    return [view(name) for name in ordered]


MAX_CONCURRENCY: Final = 10_000


def set_concurrency(session: Session, jobs: Jobs, name: str, limit: int | None, actor: Actor) -> None:
    """Set the concurrency limit of a queue; None: limited by worker threads only.

    Raises NotFound, Invalid.
    """
    if name not in jobs.catalogue.queues:
        raise NotFound("unknown_queue", f"There is no queue {name!r}.")
    if limit is not None and not 1 <= limit <= MAX_CONCURRENCY:
        message = f"The concurrency limit must be a whole number from 1 to {MAX_CONCURRENCY:,}, or empty for no limit."
        raise Invalid(message=message, errors=[FieldError("concurrency", message)])
    statement = insert(Queue).values(name=name, concurrency=limit)
    with lock_limit(session):
        session.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"concurrency": limit}))
    audit.record(session, actor, "queue.limit", f"queue:{name}", at=jobs.clock.now(), detail={"concurrency": limit})
    ring_after_commit(session, jobs.doorbell)


def set_draining(session: Session, jobs: Jobs, worker: str, actor: Actor, *, draining: bool) -> None:
    """Make a worker finish its jobs and take no new ones, or take jobs again. Raises NotFound."""
    statement = update(WorkerProcess).where(WorkerProcess.id == worker).values(draining=draining)
    with lock_limit(session):
        row = session.scalars(statement.returning(WorkerProcess.id)).first()
    if row is None:
        raise NotFound("unknown_worker", "No such worker process; it may have ended.")
    action = "worker.drain" if draining else "worker.undrain"
    audit.record(session, actor, action, f"worker:{worker}", at=jobs.clock.now())
    ring_after_commit(session, jobs.doorbell)


BOUND: Final = 10_000
"""Up to this number jobs are counted exactly (console.md); above, the planner's estimate is used."""

PAUSED: Final = "SELECT name FROM queues WHERE paused"
_OPEN: Final = "queue = q.name AND state = 'queued' AND NOT held"
_NEXT: Final = "ORDER BY priority DESC, tenant, id LIMIT 1"
# The oldest among the first jobs of each (priority, tenant): the index is not ordered by age alone.
WAITING: Final = f"""
SELECT q.name, n.count, o.run_at
FROM unnest(%(queues)s::text[]) AS q (name)
CROSS JOIN LATERAL (
    SELECT count(*) AS count FROM (SELECT 1 FROM jobs WHERE {_OPEN} LIMIT %(bound)s) AS counted
) AS n
LEFT JOIN LATERAL (
    WITH RECURSIVE heads AS (
        (SELECT priority, tenant, id, run_at FROM jobs WHERE {_OPEN} {_NEXT})
        UNION ALL
        SELECT next.* FROM heads CROSS JOIN LATERAL (
            (SELECT priority, tenant, id, run_at FROM jobs
                WHERE {_OPEN} AND priority = heads.priority AND tenant > heads.tenant {_NEXT})
            UNION ALL
            (SELECT priority, tenant, id, run_at FROM jobs WHERE {_OPEN} AND priority < heads.priority {_NEXT})
            LIMIT 1
        ) AS next
    )
    SELECT run_at FROM (SELECT id, run_at FROM heads LIMIT 1000) AS head ORDER BY id LIMIT 1
) AS o ON n.count > 0
"""  # noqa: S608 -- constants
ESTIMATE: Final = "EXPLAIN (FORMAT JSON) SELECT 1 FROM jobs WHERE queue = {} AND state = {} AND held = {}"
ESTIMATE_DEAD: Final = f"EXPLAIN (FORMAT JSON) SELECT 1 FROM {dead_jobs('queue')} WHERE queue = {{}}"  # noqa: S608 -- constants
OTHERS: Final = f"""
SELECT queue, state, count(*), min(run_at) FROM (
    (SELECT queue, state, run_at FROM jobs WHERE state IN ('scheduled', 'retrying') LIMIT %(bound)s)
    UNION ALL (SELECT queue, state, run_at FROM jobs WHERE state = 'running' LIMIT %(bound)s)
    UNION ALL (SELECT queue, state, run_at FROM {dead_jobs("queue, state, run_at")} LIMIT %(bound)s)
    UNION ALL (SELECT queue, 'held', run_at FROM jobs
        WHERE lane IS NOT NULL AND state <> 'dead' AND state = 'queued' AND held LIMIT %(bound)s)
    UNION ALL (SELECT queue, 'held', run_at FROM jobs WHERE unsupported AND lane IS NULL LIMIT %(bound)s)
) AS bounded GROUP BY queue, state
"""  # noqa: S608 -- constants


class QueueCount(NamedTuple):
    """The number of a queue's jobs in a state (or `held` by their lane), and the oldest due time.

    From BOUND on the count is an estimate.
    """

    queue: str
    state: str
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody calls
    oldest: datetime | None


def paused(connection: PgConnection) -> set[str]:
    """The names of paused queues."""
    return {row[0] for row in connection.execute(PAUSED).fetchall()}


def queue_counts(connection: PgConnection, queues: Iterable[str]) -> list[QueueCount]:
    """Counts by queue and state, exact below BOUND."""
    others = [QueueCount(*row) for row in connection.execute(OTHERS, {"bound": BOUND}).fetchall()]
    waiting = connection.execute(WAITING, {"queues": list(queues), "bound": BOUND}).fetchall()
    counts = [*others, *(QueueCount(name, "queued", count, oldest) for name, count, oldest in waiting)]
    totals: Counter[str] = Counter()
    for row in others:
        totals[_group(row.state)] += row.count
    full = [max(row.count, totals[_group(row.state)]) >= BOUND for row in counts]
    return [_estimated(connection, row) if bounded else row for row, bounded in zip(counts, full, strict=True)]


def _group(state: str) -> str:
    """The group of states that share an index and are counted together."""
    return "due" if state in {"scheduled", "retrying"} else state


def _estimated(connection: PgConnection, row: QueueCount) -> QueueCount:
    """Replace the count by the planner's estimate if that is larger."""
    held = row.state == "held"
    state = "queued" if held else row.state
    if state == JobState.DEAD:
        statement = sql.SQL(ESTIMATE_DEAD).format(sql.Literal(row.queue))
    else:
        statement = sql.SQL(ESTIMATE).format(sql.Literal(row.queue), sql.Literal(state), sql.Literal(held))
    plan = connection.execute(statement).fetchone()
    estimate = int(plan[0][0]["Plan"]["Plan Rows"]) if plan else 0
    return row._replace(count=max(BOUND, row.count, estimate))


SHOWN = 12


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """A schedule, its last occurrence (including skipped ones) and its next twelve runs, UTC; `error`: why none."""

    schedule: Schedule
    last: ScheduleOccurrence | None
    next: Sequence[datetime]
    error: str | None


def list_schedules(session: Session, now: datetime) -> list[ScheduleView]:
    """Return all schedules by name; one that cannot be read has an error and no next runs."""
    last = _last(session)
    return [_view(row, last.get(row.name), error, now) for row, error in _schedules(session)]


def _view(row: Schedule, last: ScheduleOccurrence | None, error: str | None, now: datetime) -> ScheduleView:
    if error is not None:
        return ScheduleView(row, last, (), error)
    try:
        return ScheduleView(row, last, _next(row, now), row.error)
    except UNREADABLE as unreadable:
        return ScheduleView(row, last, (), row.error or describe(unreadable))


def _schedules(session: Session) -> list[tuple[Schedule, str | None]]:
    """Return all schedules; a row with values that Python cannot hold has its texts alone, and the reason."""
    query = select(Schedule).where(~Schedule.retired).order_by(Schedule.name)
    try:
        return [(row, None) for row in session.scalars(query)]
    except DataError:
        names = session.scalars(select(Schedule.name).where(~Schedule.retired).order_by(Schedule.name)).all()
        return [_read_alone(session, name) for name in names]


def _read_alone(session: Session, name: str) -> tuple[Schedule, str | None]:
    texts = (Schedule.name, Schedule.cron, Schedule.timezone, Schedule.task, Schedule.misfire, Schedule.paused)
    try:
        return session.scalars(select(Schedule).where(Schedule.name == name)).one(), None
    except DataError as error:
        row = session.execute(select(*texts).where(Schedule.name == name)).one()
        return Schedule(**row._asdict()), describe(error)


def get_schedule(session: Session, name: str, now: datetime) -> ScheduleView | None:
    """Return one schedule; None when there is none with that name."""
    return next((view for view in list_schedules(session, now) if view.schedule.name == name), None)


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
