"""The tables of task types."""

from collections.abc import Sequence
from typing import Final

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
