"""The tables of task types."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kontor.kernel.database import PgConnection
from kontor.kernel.states import JobState
from models.jobs import Job
from models.task_types import TaskSchedule, TaskType, TaskTypeVersion

MOVE: Final = """
UPDATE jobs SET lane = {lane}, held = held AND unsupported
FROM declared_jobs AS d
WHERE d.job_id = jobs.id AND jobs.task = %(task)s AND jobs.state IN ('scheduled', 'queued', 'retrying')
    AND jobs.lane IS DISTINCT FROM {lane}
"""


def by_name(session: Session, name: str, *, lock: bool = False) -> TaskType | None:
    """Return the newest version of a type."""
    query = select(TaskType).where(TaskType.name == name).execution_options(populate_existing=True)
    return session.scalars(query.with_for_update() if lock else query).one_or_none()


def all_types(session: Session) -> Sequence[TaskType]:
    """Return all types, by name."""
    return session.scalars(select(TaskType).order_by(TaskType.name)).all()


def all_schedules(session: Session) -> Sequence[TaskSchedule]:
    """Return the schedules of all task files, by name."""
    return session.scalars(select(TaskSchedule).order_by(TaskSchedule.name)).all()


def versions_of(session: Session, name: str, most: int) -> Sequence[TaskTypeVersion]:
    """Return the newest versions of a type, newest first."""
    query = select(TaskTypeVersion).where(TaskTypeVersion.name == name)
    return session.scalars(query.order_by(TaskTypeVersion.version.desc()).limit(most)).all()


def highest_version(session: Session, name: str) -> int:
    """Return the highest version that a type of this name ever had, 0 if there was none."""
    query = select(func.max(TaskTypeVersion.version)).where(TaskTypeVersion.name == name)
    return session.scalar(query) or 0


def unfinished(session: Session, name: str) -> int:
    """Return how many jobs of a type are not finished."""
    query = select(func.count()).select_from(Job).where(Job.task == name, Job.state != JobState.DEAD)
    return session.scalar(query) or 0


def move_lanes(connection: PgConnection, task: str, lane: str, handler: str | None, shared: str) -> int:
    """Put the waiting jobs of a type into the lanes of its newest version; return how many moved."""
    by = {
        "account": "coalesce('account:' || d.account_id, jobs.lane)",
        "reseller": "coalesce('reseller:' || coalesce(d.reseller_id, d.account_id), jobs.lane)",
        "handler": "%(handler)s::text",
        "none": "%(shared)s::text",
    }.get(lane, "coalesce(%(lane)s || ':' || (jobs.payload ->> %(arg)s), jobs.lane)")
    values = {
        "task": task, "lane": lane, "arg": lane.removeprefix("args."), "handler": f"handler:{handler or task}",
        "shared": None if handler is None else shared + handler,
    }  # fmt: skip
    return connection.execute(MOVE.format(lane=by), values).rowcount


PULLERS: Final = """
WITH held AS (
    SELECT l.key_id, substr(l.worker, 6) AS name, l.job_id, j.task, l.begun_at, l.beat_at
    FROM job_leases l JOIN jobs j ON j.id = l.job_id AND j.lease = l.lease AND j.state = 'running'
    WHERE l.ended_at IS NULL AND l.kind = 'pull'
)
SELECT w.key_id, coalesce(k.name, ''), w.name, max(w.seen_at),
    extract(epoch FROM clock_timestamp() - greatest(max(w.seen_at), max(held.beat_at)))::float,
    coalesce(array_agg(held.job_id ORDER BY held.begun_at) FILTER (WHERE held.job_id IS NOT NULL), '{}'),
    coalesce(array_agg(held.task ORDER BY held.begun_at) FILTER (WHERE held.job_id IS NOT NULL), '{}')
FROM (
    SELECT key_id, name, seen_at FROM pull_workers WHERE seen_at > clock_timestamp() - make_interval(secs => %s)
    UNION SELECT key_id, name, NULL FROM held
) AS w
LEFT JOIN held ON held.key_id = w.key_id AND held.name = w.name LEFT JOIN api_keys k ON k.id = w.key_id
GROUP BY w.key_id, k.name, w.name ORDER BY w.name, w.key_id LIMIT 500
"""


@dataclass(frozen=True, slots=True)
class PullWorkerRow:
    """A pull worker and the jobs that it holds. `silent`: seconds since it asked for jobs or sent a heartbeat."""

    key: str
    name: str
    silent: float
    jobs: Sequence[tuple[UUID, str]]


def pull_workers(connection: PgConnection, seconds: float) -> list[PullWorkerRow]:
    """Return the pull workers that asked for jobs in the last seconds, or hold some, by name; 500 at most."""
    rows = connection.execute(PULLERS, (seconds,)).fetchall()
    return [
        PullWorkerRow(key, name, max(0.0, silent), list(zip(ids, tasks, strict=True)))
        for _, key, name, _, silent, ids, tasks in rows
    ]
